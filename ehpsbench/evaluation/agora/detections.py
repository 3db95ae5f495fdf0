"""An entry's detections on AGORA: the pickles of its server, or the store's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ehpsbench.evaluation.agora.images import Images
from ehpsbench.evaluation.agora.pickles import PickleFolder
from ehpsbench.evaluation.agora.posed import Posed
from ehpsbench.evaluation.agora.predicted_rows import PredictedRows
from ehpsbench.evaluation.agora.rules import AgoraProtocol
from ehpsbench.evaluation.imported import imported
from ehpsbench.evaluation.predictions import read_predictions, write_table
from ehpsbench.evaluation.request import Request

if TYPE_CHECKING:
    from ehpsbench.store import Store


class Detections(Protocol):
    """Where detections come from."""

    def counts(self) -> NDArray[np.int64]:
        """(M,) how many there are in each image of the split."""

    def read(self, rows: Sequence[int]) -> Posed:
        """Those of some images, by rows of `Images`."""


def detections_of(
    store: Store, entry: str, rules: AgoraProtocol, request: Request, images: Images
) -> Detections:
    """What an entry says: `request.predictions`, else its predictions in the store.

    Args:
        store: with the split.
        entry: who.
        rules: of the benchmark.
        request: `predictions` is a folder or .zip of the owners' pickles, or a .parquet like the
            store's, which then becomes the entry's predictions there.
        images: of the split.

    Raises:
        InputError: there are none, or they are of images that are not of the split.
    """
    path = request.predictions
    if path is not None and path.suffix != ".parquet":
        return PickleFolder.of(path, images, request.bodies, lenient=request.allow_missing)
    if path is not None:
        table = imported(store, rules, path, request.bodies).table
        rows = PredictedRows.of(table, images, request.bodies, str(path))
        write_table(store, entry, rules.name, table)
        return rows
    table = read_predictions(store, entry, rules.name, request.bodies)
    return PredictedRows.of(table, images, request.bodies, f"{entry} on {rules.name}")
