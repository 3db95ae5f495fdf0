"""The datasets of a run: the rows that it learns from, and those that no gradient sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.training.data import Samples, groups, samples
from ehpsbench.training.heldout import evenly, held_out
from ehpsbench.training.mix import Mix, draws
from ehpsbench.training.targets import Targets
from ehpsbench.training.views import Views

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store
    from ehpsbench.training.cells import Cell
    from ehpsbench.training.ranks import Ranks
    from ehpsbench.training.recipe import Recipe

ORDER = 1  # what a random stream is for
_MEAN_OF = 4000  # rows that the mean pose is taken of, at most


@dataclass(frozen=True, slots=True)
class Portion:
    """Cached crops (n, H, W, 3) of some rows, where they lie, and what they teach."""

    crops: NDArray[np.uint8]
    views: Views
    targets: Targets


@dataclass(frozen=True, slots=True)
class Part:
    """One dataset of a run.

    Attributes:
        name: in the store.
        samples: its rows.
        rows: those that are learnt from.
        scored: held-out ones that the curve is measured on.
        independent: whether these are of other recordings.
    """

    name: str
    samples: Samples
    rows: NDArray[np.intp]
    scored: NDArray[np.intp]
    independent: bool

    def take(self, rows: NDArray[np.intp]) -> Portion:
        """Some rows of `samples`."""
        found = self.samples
        where = Views(*(getattr(found.views, f.name)[rows] for f in fields(Views)))
        return Portion(np.asarray(found.crops[rows]), where, found.targets.take(rows))

    def columns(self, rows: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """All that the store holds of some rows."""
        return {name: values[rows] for name, values in self.samples.columns.items()}


def open_parts(store: Store, cell: Cell, recipe: Recipe, bodies: BodySet) -> tuple[Part, ...]:
    """The datasets of a cell, each with its held-out clusters."""
    each = -(-recipe.heldout.limit // len(cell.parts))
    found = []
    for name, splits in zip(cell.parts, cell.splits, strict=True):
        data = samples(store, name, splits, recipe.input, bodies)
        apart, independent = held_out(*groups(data.columns), recipe.heldout.share)
        if not apart.any():
            raise InputError(
                f"{name} has {len(data)} rows of one image in {list(splits)}; training needs at "
                "least two images, one of them held out."
            )
        scored = evenly(np.flatnonzero(apart), each)
        found.append(Part(name, data, np.flatnonzero(~apart), scored, independent))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Order:
    """The rows of a run, one after the other; a pure function of the position.

    Attributes:
        parts: the datasets.
        mix: how they are mixed.
        seed: of the order.
        batch: samples of a batch.
    """

    parts: tuple[Part, ...]
    mix: Mix
    seed: int
    batch: int

    def drawn(self, start: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Of the samples from `start` on: the part, and the row of its samples."""
        sizes = [len(part.rows) for part in self.parts]
        which, nth = draws(self.mix, sizes, [self.seed, ORDER], start, count)
        rows = np.empty(count, np.intp)
        for i, part in enumerate(self.parts):
            rows[which == i] = part.rows[nth[which == i]]
        return which, rows

    def names(self, start: int, count: int, share: slice) -> list[str]:
        """`instance_id` of a rank's share of a batch."""
        which, rows = self.drawn(start, count)
        pairs = zip(which[share], rows[share], strict=True)
        return [str(self.parts[w].samples.columns["instance_id"][r]) for w, r in pairs]

    def portions(self, start: int, stop: int, here: Ranks) -> Iterator[Portion]:
        """This rank's share of every batch from `start` to `stop`."""
        for first in range(start, stop, self.batch):
            count = min(self.batch, stop - first)
            share = here.share(count)
            which, rows = (drawn[share] for drawn in self.drawn(first, count))
            yield self._gathered(which, rows)

    def _gathered(self, which: NDArray[np.intp], rows: NDArray[np.intp]) -> Portion:
        present = np.unique(which)
        pieces = [self.parts[i].take(rows[which == i]) for i in present]
        back = np.argsort(np.concatenate([np.flatnonzero(which == i) for i in present]))
        return Portion(
            np.concatenate([p.crops for p in pieces])[back],
            _joined([p.views for p in pieces], back),
            _joined([p.targets for p in pieces], back),
        )

    def typical(self) -> list[NDArray[np.intp]]:
        """Of each dataset some rows, evenly spaced, as many as the mix would draw of them."""
        sizes = [len(part.rows) for part in self.parts]
        which, _ = draws(self.mix, sizes, [ORDER], 0, min(sum(sizes), _MEAN_OF))
        counts = np.bincount(which, minlength=len(sizes)).tolist()
        return [evenly(p.rows, count) for p, count in zip(self.parts, counts, strict=True)]

    def overview(self) -> Targets:
        """Targets of the typical rows: for the mean pose, which is the data's, not the seed's."""
        pairs = zip(self.parts, self.typical(), strict=True)
        pieces = [part.samples.targets.take(rows) for part, rows in pairs]
        return cast(Targets, _joined(pieces, slice(None)))


def _joined(pieces: Sequence[Any], back: Any) -> Any:
    kind = type(pieces[0])
    return kind(
        **{f.name: np.concatenate([getattr(p, f.name) for p in pieces])[back] for f in fields(kind)}
    )
