"""Learning curves, and whether a cell had learnt what its training set teaches when it stopped.

A cell counts as converged when its held-out error, over the last third of the budget, falls by less
than 1 % of itself in each tenth of the budget. There the learning rate has come down to a quarter
of its peak and less, so that every curve flattens; one that still falls by more is held back by
the budget, not by its data. The limit is a convention, so the slope stands beside the word: two
sets that fall at one pace can be compared however the word turns out. What a larger budget would
bring is not said: under a rate that falls to nothing, the end of a curve cannot tell.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ehpsbench.errors import InputError
from ehpsbench.training import cells

if TYPE_CHECKING:
    from ehpsbench.store import Store

End = Literal["converged", "falling", "rising"]

LIMIT = 0.01  # of the last error, in each tenth of the budget
LAST = 1 / 3  # of the budget
LEAST_POINTS = 3  # a line through two says nothing of how far points scatter


@dataclass(frozen=True, slots=True)
class Curve:
    """How one cell learnt.

    Attributes:
        group: the training set and recipe.
        cell: the run.
        samples: (P,) samples seen.
        error_mm: (P,) held-out MPJPE of the training set itself [mm].
    """

    group: str
    cell: str
    samples: tuple[int, ...]
    error_mm: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """The last third of a learning curve.

    Attributes:
        cell: the run.
        error_mm: the last held-out MPJPE [mm].
        slope_mm: of the least-squares line, per tenth of the budget [mm]; below 0 it falls.
        slope_error_mm: its standard error from the points' scatter [mm]; rough with few points.
        points: that the line goes through.
        end: whether the error still fell, or rose, by more than the limit.
    """

    cell: str
    error_mm: float
    slope_mm: float
    slope_error_mm: float
    points: int
    end: End


def read_curve(store: Store, group: str, entry: str) -> Curve | None:
    """The curve of a cell, or of a rung up to its end; None where the store holds no log of it.

    Raises:
        InputError: the log is broken.
    """
    cell, _, until = entry.partition("@")
    path = store.runs / cell / cells.LOG
    if not path.is_file():
        return None
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        points = [(int(p["samples_seen"]), p["heldout_mpjpe_mm"]) for p in lines]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is broken ({error!r}); train {cell} again.") from error
    end = int(until) if until else math.inf
    known = [(seen, float(mm)) for seen, mm in points if mm is not None and seen <= end]
    return Curve(group, entry, tuple(s for s, _ in known), tuple(e for _, e in known))


def ending(curve: Curve) -> Ending | None:
    """How a curve ends; None where fewer than three points lie in its last third.

    Args:
        curve: its last point is at the end of the budget.
    """
    if not curve.samples:
        return None
    tenths = 10 * np.asarray(curve.samples, np.float64) / curve.samples[-1]
    late = tenths >= 10 * (1 - LAST) - 1e-6
    x, y = tenths[late], np.asarray(curve.error_mm, np.float64)[late]
    if len(x) < LEAST_POINTS:
        return None
    spread = ((x - x.mean()) ** 2).sum()
    slope = ((x - x.mean()) * y).sum() / spread
    off = y - y.mean() - slope * (x - x.mean())
    error = math.sqrt((off**2).sum() / (len(x) - 2) / spread)
    share = slope / y[-1]
    end: End = "falling" if share < -LIMIT else "rising" if share > LIMIT else "converged"
    return Ending(curve.cell, float(y[-1]), float(slope), error, len(x), end)
