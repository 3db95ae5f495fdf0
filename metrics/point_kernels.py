"""Distances of one person's points after another: as they are, and after the best similarity.

A person's points are brought into float64 planes once, whatever they are taken off; everything else
is done on the planes, which the cache keeps and along which vector units work.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ehpsbench.metrics.compiled import compiled
from ehpsbench.metrics.similarity_kernels import FIT, MOMENTS, add_moments, centre, fit_similarity

BLOCK = 512
Points = NDArray[Any]  # float32 or float64
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Sides(NamedTuple):
    """Corresponding points of B people, as machine code takes them.

    Attributes:
        pred: (B, V, 3) what the predicted points are taken off [m].
        pred_ids: (N,) which of the V; (0,): all.
        true: (B, W, 3) what the true points are taken off [m].
        true_ids: (N,) which of the W; (0,): all.
    """

    pred: Points
    pred_ids: Ids
    true: Points
    true_ids: Ids


class Chosen(NamedTuple):
    """Some of the points of each person.

    Attributes:
        mask: (1 or B, N) which, of everybody or of each.
        whole: all of them.
    """

    mask: Mask
    whole: bool


@compiled
def take(points: Points, ids: Ids, mask: Mask, whole: bool, planes: Floats) -> int:
    """How many of one person's (V, 3) points are chosen, after they are in the (3, N) planes."""
    size = len(planes[0])
    if whole and len(ids) == 0:  # without a list of ids vector units do it
        for k in range(size):
            planes[0, k], planes[1, k], planes[2, k] = points[k, 0], points[k, 1], points[k, 2]
        return size
    if whole:
        for k in range(size):
            i = np.uint64(ids[k])  # an index with a sign may be one from behind, and is slower
            planes[0, k], planes[1, k], planes[2, k] = points[i, 0], points[i, 1], points[i, 2]
        return size
    taken = 0
    for k in range(size):
        if mask[k]:
            i = np.uint64(ids[k]) if len(ids) else np.uint64(k)
            for axis in range(3):
                planes[axis, taken] = points[i, axis]
            taken += 1
    return taken


@compiled
def take_both(sides: Sides, chosen: Chosen, person: int, a: Floats, t: Floats) -> int:
    """The same of both sides."""
    mask = chosen.mask[min(person, len(chosen.mask) - 1)]
    take(sides.pred[person], sides.pred_ids, mask, chosen.whole, a)
    return take(sides.true[person], sides.true_ids, mask, chosen.whole, t)


@compiled
def distance(a: Floats, t: Floats, count: int, shift: Floats) -> float:
    """Mean |pred − shift − true| of points in planes."""
    u, v, w = shift[0], shift[1], shift[2]
    total = 0.0
    for k in range(count):
        x, y, z = a[0, k] - t[0, k] - u, a[1, k] - t[1, k] - v, a[2, k] - t[2, k] - w
        total += math.sqrt(x * x + y * y + z * z)
    return total / count


@compiled
def fitted(a: Floats, t: Floats, count: int, fit: Floats) -> None:
    """The similarity of points in planes, into FIT numbers."""
    moments = np.zeros(MOMENTS)
    for start in range(0, count, BLOCK):
        add_moments(a, t, start, min(start + BLOCK, count), moments)
    centre(a, t, count, moments)
    fit_similarity(moments, count, fit)


@compiled
def residual(a: Floats, t: Floats, count: int, fit: Floats) -> float:
    """Mean distance of points in planes after a similarity."""
    m = fit[0] * fit[1:10]
    px, py, pz, tx, ty, tz = fit[10], fit[11], fit[12], fit[13], fit[14], fit[15]
    total = 0.0
    for k in range(count):
        x, y, z = a[0, k] - px, a[1, k] - py, a[2, k] - pz
        u = m[0] * x + m[1] * y + m[2] * z - (t[0, k] - tx)
        v = m[3] * x + m[4] * y + m[5] * z - (t[1, k] - ty)
        w = m[6] * x + m[7] * y + m[8] * z - (t[2, k] - tz)
        total += math.sqrt(u * u + v * v + w * w)
    return total / count


@compiled
def errors(
    sides: Sides,
    counted: Chosen,
    fit_on: Chosen,
    shifts: Floats,
    aligned: bool,
    first: int,
    found: Floats,
) -> None:
    """Mean distances of some people into (b, S or S + 1), the first of whom is told.

    After each of the (S, 1 or B, 3) shifts; at last, if that is asked for, after the similarity of
    the points to fit on.
    """
    size = counted.mask.shape[1]
    a, t, fit = np.empty((3, size)), np.empty((3, size)), np.empty(FIT)
    same = counted.whole and fit_on.whole
    for row in range(len(found)):
        b = first + row
        count = take_both(sides, counted, b, a, t)
        for s in range(len(shifts)):
            found[row, s] = distance(a, t, count, shifts[s, min(b, shifts.shape[1] - 1)])
        if aligned:
            if same:
                fitted(a, t, count, fit)
            else:
                fitted(a, t, take_both(sides, fit_on, b, a, t), fit)
                count = take_both(sides, counted, b, a, t)
            found[row, -1] = residual(a, t, count, fit)


@compiled
def fits(sides: Sides, fit_on: Chosen, first: int, found: Floats) -> None:
    """Similarities of some people into (b, FIT)."""
    size = fit_on.mask.shape[1]
    a, t = np.empty((3, size)), np.empty((3, size))
    for row in range(len(found)):
        fitted(a, t, take_both(sides, fit_on, first + row, a, t), found[row])
