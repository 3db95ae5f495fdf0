"""Colours of table cells in eleven steps: from against (−5) over neither (0) to for (5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

STEPS = 5


def level_of_share(share: float) -> int:
    """The step of a probability: 0 at one half; a pair that is nearly tied stays nearly white."""
    if not math.isfinite(share):
        return 0
    sure = abs(2 * share - 1) ** 1.5
    return round(math.copysign(STEPS * sure, share - 0.5))


def level_among(
    value: float, column: Sequence[float], direction: Literal["lower", "higher"] = "lower"
) -> int:
    """The step of a value among its column: 5 for the best, −5 for the worst, 0 at the median.

    Args:
        value: of the cell; a finite number.
        column: of all cells; what is not finite does not count.
        direction: which way is better.
    """
    found = sorted(v for v in column if math.isfinite(v))
    middle = (found[(len(found) - 1) // 2] + found[len(found) // 2]) / 2
    end = found[0] if value < middle else found[-1]
    share = abs(value - middle) / abs(end - middle) if end != middle else 0.0
    better = (value < middle) == (direction == "lower")
    return round(STEPS * share) * (1 if better else -1)
