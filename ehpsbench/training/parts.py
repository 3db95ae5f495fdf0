"""The datasets of a run: the rows that it learns from, and those that no gradient sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.training.data import Portion, Samples, batches, groups
from ehpsbench.training.heldout import evenly, held_out
from ehpsbench.training.loader import Span, loader, prepare
from ehpsbench.training.mix import Mix, draws
from ehpsbench.training.targets import Targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store
    from ehpsbench.training.cells import Cell
    from ehpsbench.training.ranks import Ranks
    from ehpsbench.training.recipe import Recipe

ORDER = 1  # what a random stream is for
_MEAN_OF = 4000  # rows that the mean pose is taken of, at most
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Part:
    """One dataset of a run.

    Attributes:
        name: in the store.
        learnt: the rows that are learnt from.
        scored: held-out rows that the curve is measured on.
        independent: whether these are of other recordings.
    """

    name: str
    learnt: Samples
    scored: Samples
    independent: bool


def open_parts(
    store: Store, cell: Cell, recipe: Recipe, bodies: BodySet, workers: int
) -> tuple[Part, ...]:
    """The datasets of a cell, each with its held-out clusters; nothing is cut yet."""
    each = -(-recipe.heldout.limit // len(cell.parts))
    found = []
    for name, splits in zip(cell.parts, cell.splits, strict=True):
        rows = Samples.open(store, name, splits, recipe.input, bodies, workers=workers)
        apart, independent = held_out(*groups(rows.columns), recipe.heldout.share)
        if not apart.any():
            raise InputError(
                f"{name} has {len(rows)} rows of one image in {list(splits)}; training needs at "
                "least two images, one of them held out."
            )
        scored = rows.only(evenly(np.flatnonzero(apart), each))
        found.append(Part(name, rows.only(np.flatnonzero(~apart)), scored, independent))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Order:
    """The rows of a run, one after the other; a pure function of the position.

    Attributes:
        parts: the datasets.
        mix: how they are mixed.
        stream: seeds of the order.
        batch: samples of a batch.
    """

    parts: tuple[Part, ...]
    mix: Mix
    stream: tuple[int, ...]
    batch: int

    def cut(
        self, budget: int, workers: int, progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Cut the crops that the run needs and the cache lacks."""
        learnt = [part.learnt for part in self.parts]
        prepare(learnt, self.mix, self.stream, budget, workers=workers, progress=progress)
        for part, rows in zip(self.parts, self._typical(), strict=True):
            part.learnt.cut(rows, workers=workers)
            part.scored.cut(workers=workers)

    def portions(self, start: int, stop: int, here: Ranks, workers: int) -> Iterator[Portion]:
        """This rank's share of every batch from `start` to `stop`."""
        return loader(
            [part.learnt for part in self.parts],
            self.mix,
            self.stream,
            Span(start, stop, self.batch),
            here=here,
            workers=workers,
        )

    def names(self, portion: Portion) -> list[str]:
        """`instance_id` of its rows."""
        pairs = zip(portion.part, portion.row, strict=True)
        rows = [self.parts[part].learnt.only(np.asarray([row])) for part, row in pairs]
        return [str(one.columns["instance_id"][0]) for one in rows]

    def overview(self) -> Targets:
        """Targets of the typical rows: for the mean pose, which is the data's, not the seed's."""
        pieces = [
            _targets(part.learnt, rows[piece])
            for part, rows in zip(self.parts, self._typical(), strict=True)
            for piece in batches(len(rows), _CHUNK)
        ]
        names = [f.name for f in fields(Targets)]
        return Targets(**{n: np.concatenate([getattr(p, n) for p in pieces]) for n in names})

    def _typical(self) -> list[NDArray[np.intp]]:
        """Of each dataset some rows, evenly spaced, as many as the mix would draw of them."""
        sizes = [len(part.learnt) for part in self.parts]
        which, _ = draws(self.mix, sizes, [ORDER], 0, min(sum(sizes), _MEAN_OF))
        counts = np.bincount(which, minlength=len(sizes)).tolist()
        return [evenly(np.arange(s), count) for s, count in zip(sizes, counts, strict=True)]


def _targets(samples: Samples, rows: NDArray[np.intp]) -> Targets:
    """Targets of some rows; no crop is decoded."""
    _, arrays = samples.reader.read(*samples.places(rows))
    return Targets(**{f.name: arrays[f.name] for f in fields(Targets)})
