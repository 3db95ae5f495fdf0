"""The rows of a dataset as a model meets them: crops, views and targets, read from the cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.schema import INSTANCES, to_arrow
from ehpsbench.training.cache import Found, Plan, Progress, Wanted, cut_all
from ehpsbench.training.codec import decoded
from ehpsbench.training.labels import text
from ehpsbench.training.recipe import Input
from ehpsbench.training.rows import FILES, StoreRows, contents
from ehpsbench.training.shards import Arrays, Int32, Reader, renumbered
from ehpsbench.training.targets import Targets
from ehpsbench.training.views import Views

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

Columns = dict[str, NDArray[Any]]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Portion:
    """n people to learn from, in memory.

    Attributes:
        crops: (n, H, W, 3) cached crops.
        targets: what they teach.
        views: where the crops lie.
        part: (n,) dataset of the mix.
        row: (n,) row of its `Samples`.
    """

    crops: NDArray[np.uint8]
    targets: Targets
    views: Views
    part: Indices
    row: Indices

    def __len__(self) -> int:
        return len(self.crops)


@dataclass(slots=True)
class _Cut:
    """Where the people of a dataset lie in the shards; −1 who was not asked for yet."""

    shard: Int32
    place: Int32
    reader: Reader

    def add(self, rows: Indices, found: Found) -> None:
        self.shard[:] = renumbered(self.shard, self.reader.names, found.reader.names)
        self.shard[rows], self.place[rows] = found.shard, found.place
        self.reader = found.reader


@dataclass(frozen=True, slots=True)
class Samples:
    """People of one dataset to learn from; nothing of their labels or pictures is in memory.

    Attributes:
        dataset: name in the store.
        plan: of the cache.
        rows: the dataset's trainable rows.
        chosen: (N,) which of them these are.
    """

    dataset: str
    plan: Plan
    rows: StoreRows
    chosen: Indices
    _cut: _Cut

    @classmethod
    def open(
        cls,
        store: Store,
        dataset: str,
        splits: Sequence[str],
        settings: Input,
        bodies: BodySet,
        *,
        workers: int = 1,
    ) -> Samples:
        """All rows of some splits that can be trained on; `cut` makes their crops.

        Raises:
            InputError: no row can teach anything.
        """
        parts = [path for split in splits for path in store.parts("instances", dataset, split)]
        cache = store.runs / "crops" / dataset
        rows = StoreRows.of(parts, cache / "rows", workers)
        if not len(rows):
            raise InputError(
                f"{dataset} has no row to train on in {list(splits)}: all {rows.skipped} lack a "
                "box, a valid body or hand or 2D keypoint, or the owners' approval."
            )
        plan = Plan.of(cache, store.release_root(dataset), settings, bodies, parts)
        nowhere = np.full(len(rows), -1, np.int32)
        cut = _Cut(nowhere, nowhere.copy(), Reader(plan.folder, ()))
        return cls(dataset, plan, rows, np.arange(len(rows)), cut)

    def __len__(self) -> int:
        return len(self.chosen)

    @property
    def columns(self) -> Columns:
        """`instance_id`, `image_id`, `cluster` of all rows; made when it is asked for."""
        return self.rows.light(self.chosen)

    def only(self, rows: Indices) -> Samples:
        """These rows alone, numbered from 0; what is cut for one is cut for the other."""
        return Samples(self.dataset, self.plan, self.rows, self.chosen[rows], self._cut)

    def read(self, rows: Indices) -> Columns:
        """All columns of the store of some rows."""
        return self.rows.read(self.chosen[rows])

    def cut(
        self, rows: Indices | None = None, *, workers: int = 1, progress: Progress | None = None
    ) -> None:
        """Cut the crops of some rows (default: all) that are not in the cache yet.

        Args:
            rows: which.
            workers: processes.
            progress: called with (people done, people to cut).

        Raises:
            InputError: none of them teaches anything, or an image does not fit its labels.
            MissingFiles: an image is not where the release lay.
        """
        chosen = np.unique(self.chosen if rows is None else self.chosen[rows])
        if not len(chosen):
            return
        found = cut_all(self.plan, _wanted(self.rows, chosen), workers=workers, progress=progress)
        if not found.teaches.any():
            raise InputError(
                f"None of {len(chosen)} rows of {self.dataset} has a posed joint or a 2D keypoint "
                "that is one of SMPL-X's joints: there is nothing to train on."
            )
        self._cut.add(chosen, found)

    def take(self, rows: Indices) -> Portion:
        """Crops, targets and views of some rows, which have been cut.

        Raises:
            InputError: one of them has not.
        """
        rows = np.asarray(rows, np.intp)
        shard, place = self.places(rows)
        pictures, arrays = self._cut.reader.read(shard, place)
        part = np.zeros(len(rows), np.intp)
        return portion(decoded(pictures, self.plan.settings), arrays, part, rows)

    def places(self, rows: Indices) -> tuple[Int32, Int32]:
        """Shard and place in it of some rows."""
        chosen = self.chosen[rows]
        shard, place = self._cut.shard[chosen], self._cut.place[chosen]
        if (shard < 0).any():
            raise InputError(
                f"{int((shard < 0).sum())} of {len(rows)} rows of {self.dataset} have no crops "
                "yet. Call cut() with the rows first."
            )
        return shard, place

    @property
    def reader(self) -> Reader:
        """Of the shards in which `places` are."""
        return self._cut.reader


def portion(crops: NDArray[np.uint8], arrays: Arrays, part: Indices, row: Indices) -> Portion:
    """A portion from what the cache holds."""
    return Portion(
        crops=crops,
        targets=Targets(**{f.name: arrays[f.name] for f in fields(Targets)}),
        views=Views(**{f.name: arrays[f"view_{f.name}"] for f in fields(Views)}),
        part=part,
        row=row,
    )


def _wanted(rows: StoreRows, chosen: Indices) -> Wanted:
    table = rows.table.take(chosen)
    return Wanted(
        content=table["content"].to_pylist(),
        files={name: table[name].to_pylist() for name in FILES},
        part=table["part"].to_numpy(),
        place=table["place"].to_numpy(),
    )


class Pictures:
    """The cached crops of N people, decoded as they are asked for.

    Args:
        plan: of the cache.
        found: where they lie.
    """

    def __init__(self, plan: Plan, found: Found) -> None:
        self._plan, self._found = plan, found

    def __len__(self) -> int:
        return len(self._found.shard)

    def __getitem__(self, rows: slice | Indices) -> NDArray[np.uint8]:
        """(n, H, W, 3) crops of some rows."""
        found = self._found
        pictures, _ = found.reader.read(found.shard[rows], found.place[rows])
        return decoded(pictures, self._plan.settings)


_DECISIVE = (
    "instance_id", "image_path", "orientation", "width", "height", "bbox", "focal",
    "principal_point", "distortion_model", "distortion",
)  # fmt: skip


def pictures(
    columns: Columns,
    root: Path,
    cache: Path,
    settings: Input,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> Pictures:
    """The crops of people whom nothing is learnt from: those of a benchmark.

    Args:
        columns: their rows of the store.
        root: the release root that `image_path` is relative to.
        cache: folder of the crops of all datasets.
        settings: the recipe's input.
        workers: processes.
        progress: called with (people done, people to cut).

    Raises:
        MissingFiles: an image is not there.
        InputError: an image cannot be decoded, or has another size than its labels say.
    """
    known = {name: columns[name] for name in _DECISIVE if name in columns}
    count = len(columns["image_path"])
    name = str(columns["dataset"][0]) if count else "empty"
    plan = Plan.of(cache / name, root, settings)
    wanted = Wanted(
        content=contents(to_arrow(known, INSTANCES).select(_DECISIVE)),
        files={"image_path": columns["image_path"].tolist()}
        | {name: [None] * count for name in FILES if name != "image_path"},
        columns=known,
    )
    return Pictures(plan, cut_all(plan, wanted, workers=workers, progress=progress))


def groups(columns: Columns) -> tuple[list[str], list[str]]:
    """Cluster and image of each row; the image stands in for a missing cluster."""
    images = text(columns, "image_id")
    clusters = text(columns, "cluster")
    return np.where(clusters == "", images, clusters).tolist(), images.tolist()


def batches(count: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover `count` rows."""
    return (slice(first, min(first + size, count)) for first in range(0, count, size))
