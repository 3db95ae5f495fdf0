"""Sums over the pixels of a depth map: a portion at a time is aligned, compared and added up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.metrics.compiled import compiled

Pixels = NDArray[Any]  # float32 or float64
Floats = NDArray[np.float64]


@compiled
def sums(
    pred: Pixels, target: Pixels, line: Floats, bounds: Floats, ratio: Floats, found: Floats
) -> None:
    """What the errors are made of, but for logarithms, into (7,); p / g of each pixel into (n,).

    Relative, squared relative and squared difference; pixels with max(p/g, g/p) below each of
    three bounds, and up to the first. `line` is scale, shift, least and greatest value, and 1 where
    the depth is 1 / value.
    """
    relative = away = square = 0.0
    first = second = third = upto = 0
    for k in range(len(target)):
        g = np.float64(target[k])
        p = _depth(np.float64(pred[k]), line)
        difference, ratio[k] = p - g, p / g
        relative += abs(ratio[k] - 1.0)
        away += difference * (ratio[k] - 1.0)
        square += difference * difference
        worst = max(ratio[k], g / p) if p > 0.0 else np.inf
        first += worst < bounds[0]
        second += worst < bounds[1]
        third += worst < bounds[2]
        upto += worst <= bounds[0]
    found[0] = relative
    found[1] = away
    found[2] = square
    found[3] = first
    found[4] = second
    found[5] = third
    found[6] = upto


@compiled
def _depth(value: float, line: Floats) -> float:
    """A predicted value as depth."""
    moved: float = value * line[0] + line[1]
    if moved < line[2]:  # what is not a number stays so
        moved = line[2]
    if moved > line[3]:
        moved = line[3]
    return 1.0 / moved if line[4] > 0.0 else moved


@compiled
def moments(pred: Pixels, target: Pixels, disparity: bool, found: Floats) -> None:
    """Into (5,): how many; means of both, of 1 / target for disparity; squares and products.

    They are summed up about the first pixel and moved to the means, which keeps all digits.
    """
    count, said, true = len(target), np.float64(pred[0]), np.float64(target[0])
    if disparity:
        true = 1.0 / true
    sum_p = sum_g = squares = products = 0.0
    for k in range(count):
        p, g = np.float64(pred[k]) - said, np.float64(target[k])
        g = (1.0 / g if disparity else g) - true
        sum_p += p
        sum_g += g
        squares += p * p
        products += p * g
    found[0] = count
    found[1] = said + sum_p / count
    found[2] = true + sum_g / count
    found[3] = squares - sum_p * sum_p / count
    found[4] = products - sum_p * sum_g / count
