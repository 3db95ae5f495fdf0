"""Distances and moments of points, person by person and a block of points at a time.

A block is brought into float64 planes that stay in the nearest cache, whatever the points are taken
off; vector units then work along the planes. Points that do not count become zeros of both planes,
which add nothing.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ehpsbench.metrics.compiled import compiled

BLOCK = 512
Points = NDArray[Any]  # float32 or float64
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]  # of the predicted and of the true points


class Sides(NamedTuple):
    """Corresponding points of B people, as machine code takes them.

    Attributes:
        pred: (B, V, 3) what the predicted points are taken off [m].
        pred_ids: (N,) which of the V.
        true: (B, W, 3) what the true points are taken off [m].
        true_ids: (N,) which of the W.
        counts: (1 or B, N) which points count, of everybody or of each.
        whole: all of them do.
    """

    pred: Points
    pred_ids: Ids
    true: Points
    true_ids: Ids
    counts: Mask
    whole: bool


@compiled
def load(points: Points, ids: Ids, origin: Floats, planes: Floats) -> None:
    """(3, n) coordinates from an origin of n of one person's (V, 3) points."""
    x, y, z = origin[0], origin[1], origin[2]
    across, down, away = planes[0], planes[1], planes[2]
    for k in range(len(ids)):
        i = np.uint64(ids[k])  # an index with a sign may be one from behind, and is slower
        across[k] = points[i, 0] - x
        down[k] = points[i, 1] - y
        away[k] = points[i, 2] - z


@compiled
def block(sides: Sides, person: int, start: int, origins: Pair, planes: Pair) -> int:
    """How many points of a person there are from `start` on, brought into planes of both sides."""
    end = min(start + BLOCK, len(sides.pred_ids))
    load(sides.pred[person], sides.pred_ids[start:end], origins[0], planes[0])
    load(sides.true[person], sides.true_ids[start:end], origins[1], planes[1])
    if not sides.whole:
        counted = sides.counts[min(person, len(sides.counts) - 1)]
        for k in range(end - start):
            if not counted[start + k]:
                for i in range(3):
                    planes[0][i, k] = planes[1][i, k] = 0.0
    return end - start


@compiled
def distances(sides: Sides, shift: Floats, first: int, found: Floats) -> None:
    """Mean |pred − shift − true| of some people into (b,), the first of whom is told.

    `shift` (1 or B, 3) is of everybody or of each.
    """
    a, t, zero = np.empty((3, BLOCK)), np.empty((3, BLOCK)), np.zeros(3)
    for row in range(len(found)):
        b = first + row
        counted = sides.counts[min(b, len(sides.counts) - 1)]
        total = 0.0
        for start in range(0, len(sides.pred_ids), BLOCK):
            size = block(sides, b, start, (shift[min(b, len(shift) - 1)], zero), (a, t))
            for k in range(size):
                x, y, z = a[0, k] - t[0, k], a[1, k] - t[1, k], a[2, k] - t[2, k]
                total += math.sqrt(x * x + y * y + z * z)
        found[row] = total / np.sum(counted)


@compiled
def moments(sides: Sides, first: int, found: Floats) -> None:
    """Into (b, 18): how many; both means; both sums of squares and nine products about them.

    They are summed up about a point of each set and moved to its mean, which keeps all digits
    however far off the points lie.
    """
    a, t, near, known = np.empty((3, BLOCK)), np.empty((3, BLOCK)), np.zeros(3), np.zeros(3)
    for row in range(len(found)):
        b = first + row
        counted, out = sides.counts[min(b, len(sides.counts) - 1)], found[row]
        one = np.argmax(counted)
        for axis in range(3):
            near[axis] = sides.pred[b, sides.pred_ids[one], axis]
            known[axis] = sides.true[b, sides.true_ids[one], axis]
        out[:] = 0.0
        out[0] = np.sum(counted)
        for start in range(0, len(sides.pred_ids), BLOCK):
            size = block(sides, b, start, (near, known), (a, t))
            _add(a, t, size, out)
        _centre(out, near, known)


@compiled
def _add(a: Floats, t: Floats, size: int, out: Floats) -> None:
    """Sums, squares and products of two blocks of `size` points, onto those of earlier ones."""
    for i in range(3):
        sum_a = sum_t = squares_a = squares_t = to_x = to_y = to_z = 0.0
        for k in range(size):
            x, y = a[i, k], t[i, k]
            sum_a += x
            sum_t += y
            squares_a += x * x
            squares_t += y * y
            to_x += x * t[0, k]
            to_y += x * t[1, k]
            to_z += x * t[2, k]
        out[1 + i] += sum_a
        out[4 + i] += sum_t
        out[7] += squares_a
        out[8] += squares_t
        out[9 + 3 * i] += to_x
        out[10 + 3 * i] += to_y
        out[11 + 3 * i] += to_z


@compiled
def _centre(out: Floats, near: Floats, known: Floats) -> None:
    """Moments about two points → about the means, and sums → means from the origin."""
    count = out[0]
    for i in range(3):
        out[7] -= out[1 + i] * out[1 + i] / count
        out[8] -= out[4 + i] * out[4 + i] / count
        for j in range(3):
            out[9 + 3 * i + j] -= out[1 + i] * out[4 + j] / count
    for i in range(3):
        out[1 + i] = near[i] + out[1 + i] / count
        out[4 + i] = known[i] + out[4 + i] / count


@compiled
def residuals(sides: Sides, moving: Floats, means: Floats, first: int, found: Floats) -> None:
    """Mean |moving (pred − its mean) − (true − its mean)| of some people into (b,).

    `moving` (B, 3, 3) and `means` (2, B, 3) are those of a similarity.
    """
    a, t = np.empty((3, BLOCK)), np.empty((3, BLOCK))
    for row in range(len(found)):
        b = first + row
        counted, m = sides.counts[min(b, len(sides.counts) - 1)], moving[b]
        total = 0.0
        for start in range(0, len(sides.pred_ids), BLOCK):
            size = block(sides, b, start, (means[0, b], means[1, b]), (a, t))
            for k in range(size):
                x, y, z = a[0, k], a[1, k], a[2, k]
                u = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z - t[0, k]
                v = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z - t[1, k]
                w = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z - t[2, k]
                total += math.sqrt(u * u + v * v + w * w)
        found[row] = total / np.sum(counted)
