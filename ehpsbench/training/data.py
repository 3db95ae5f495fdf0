"""The rows of a dataset as a model meets them: crops, views and targets, aligned by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.schema import from_arrow
from ehpsbench.training.crops import Progress, crops
from ehpsbench.training.recipe import Input
from ehpsbench.training.targets import Targets, targets, text, trainable
from ehpsbench.training.views import Views, views

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Samples:
    """N people to learn from.

    Attributes:
        columns: their rows of the store.
        crops: (N, H, W, 3) cached crops, memory-mapped.
        views: where the crops lie.
        targets: what they teach.
    """

    columns: Columns
    crops: NDArray[np.uint8]
    views: Views
    targets: Targets

    def __len__(self) -> int:
        return len(self.crops)


def samples(
    store: Store,
    dataset: str,
    splits: Sequence[str],
    settings: Input,
    bodies: BodySet,
    progress: Progress | None = None,
) -> Samples:
    """All rows of some splits that can be trained on.

    Raises:
        InputError: no row can teach anything.
        MissingFiles: an image is not where the release lay.
    """
    table = pa.concat_tables([store.instances(dataset, split) for split in splits])
    columns = select(from_arrow(table), trainable)
    if not len(columns["instance_id"]):
        raise InputError(
            f"{dataset} has no row to train on in {list(splits)}: all {len(table)} lack a box, a "
            "valid body or hand, or the owners' approval."
        )
    root = store.release_root(dataset)
    where = views(columns, settings.width / settings.height, settings.padding)
    return Samples(
        columns=columns,
        crops=crops(columns, root, store.runs / "crops", settings, progress=progress),
        views=where,
        targets=targets(columns, where, bodies, root),
    )


def select(columns: Columns, rule: Any) -> Columns:
    """The rows for which `rule(columns)` (N,) holds."""
    keep = rule(columns)
    return {name: values[keep] for name, values in columns.items()}


def order(stream: list[int], rows: NDArray[np.intp], start: int, count: int) -> NDArray[np.intp]:
    """Rows of samples `start` to `start + count` of a run: one permutation after the other.

    It depends on nothing but its arguments, so that a run can go on anywhere.
    """
    taken: list[NDArray[np.intp]] = []
    while count > 0:
        epoch, first = divmod(start, len(rows))
        shuffled = np.random.default_rng([*stream, epoch]).permutation(rows)
        taken.append(shuffled[first : first + count])
        start, count = start + len(taken[-1]), count - len(taken[-1])
    return np.concatenate(taken)


def groups(columns: Columns) -> tuple[list[str], list[str]]:
    """Cluster and image of each row; the image stands in for a missing cluster."""
    images = text(columns, "image_id")
    clusters = text(columns, "cluster")
    return np.where(clusters == "", images, clusters).tolist(), images.tolist()


def batches(count: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover `count` rows."""
    return (slice(first, min(first + size, count)) for first in range(0, count, size))
