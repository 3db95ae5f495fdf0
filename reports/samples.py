"""Sample people of a dataset, drawn once for what may be shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ehpsbench.errors import EhpsbenchError
from ehpsbench.reports.kept import drawing, kept_pictures
from ehpsbench.reports.permission import Permission
from ehpsbench.reports.pictures import Picture, Stage, people

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store


def samples(
    store: Store,
    dataset: str,
    splits: Sequence[str],
    bodies: BodySet,
    may: Permission,
    ids: Sequence[str],
) -> list[Picture]:
    """A picture of each sample person with the true body over it, kept in the store.

    Args:
        store: with the dataset; pictures are kept in its reports/summaries/.
        dataset: whose people.
        splits: theirs.
        bodies: the body set of the labels.
        may: what may be shown; what may not is not drawn, whatever was kept.
        ids: who is shown.
    """

    def draw() -> list[Picture]:
        rows = people(store, dataset, splits, ids)
        pictures = []
        for name in ids:
            try:
                stage = Stage.of(store, dataset, rows[name], bodies, may)
                pictures.append(stage.truth(""))
            except (EhpsbenchError, KeyError):  # an image that is gone, a model that is not here
                continue
        return pictures

    print_ = store.manifest(dataset)["fingerprint"]
    of = ["samples", *drawing(bodies, may, print_), list(splits), list(ids)]
    return kept_pictures(store, of, draw)
