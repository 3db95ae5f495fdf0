"""An entry's detections on AGORA: the pickles of its server, or the store's predictions."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ehpsbench.evaluation.agora.images import Images
from ehpsbench.evaluation.agora.pickles import PickleFolder
from ehpsbench.evaluation.agora.posed import Posed
from ehpsbench.evaluation.agora.predicted_rows import PredictedRows
from ehpsbench.evaluation.agora.rules import AgoraProtocol
from ehpsbench.evaluation.imported import Imported, imported
from ehpsbench.evaluation.other_kinds import refusal
from ehpsbench.evaluation.predictions import read_predictions
from ehpsbench.evaluation.request import Request

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store


class Detections(Protocol):
    """Where detections come from."""

    def counts(self) -> NDArray[np.int64]:
        """(M,) how many there are in each image of the split."""

    def read(self, rows: Sequence[int]) -> Posed:
        """Those of some images, by rows of `Images`."""


def imported_rows(
    store: Store, rules: AgoraProtocol, path: Path | None, bodies: BodySet
) -> Imported | None:
    """Predicted bodies of a file like the store's; None for no file, or the owners' pickles."""
    if path is None or path.suffix != ".parquet":
        return None
    return imported(store, rules, path, bodies)


def detections_of(
    store: Store,
    entry: str,
    rules: AgoraProtocol,
    request: Request,
    images: Images,
    *,
    given: Imported | None,
) -> Detections:
    """What an entry says: in its file, in `request.predictions`, else in the store.

    Args:
        store: with the split.
        entry: who.
        rules: of the benchmark.
        request: `predictions` is a folder or .zip of the owners' pickles, unless `given` is it.
        images: of the split.
        given: predictions of a file like the store's.

    Raises:
        InputError: there are none, or they are of images that are not of the split.
    """
    path = request.predictions
    if path is not None and given is None:
        if path.is_file() and (path.suffix == ".npz" or not zipfile.is_zipfile(path)):
            raise refusal(path, rules.name, rules.task)
        return PickleFolder.of(path, images, request.bodies, lenient=request.allow_missing)
    table = given.table() if given else read_predictions(store, entry, rules.name, request.bodies)
    return PredictedRows.of(table, images, request.bodies, f"{entry} on {rules.name}")
