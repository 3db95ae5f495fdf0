"""Distances of one person's points after another: after a shift, and after the best similarity.

A person's points are brought into float64 planes once, whatever they are taken off; everything else
is done on the planes, which the cache keeps and along which vector units work.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ehpsbench.metrics.compiled import compiled
from ehpsbench.metrics.similarity_kernels import (
    FIT,
    LEAST_POINTS,
    MOMENTS,
    add_moments,
    centre,
    fit_similarity,
)

AT_ONCE = 512  # points whose planes the nearest cache holds
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
def similarity(a: Floats, t: Floats, count: int, way: Floats) -> None:
    """The best similarity of points in planes, into FIT numbers; NaN where it is not defined."""
    way[:] = np.nan
    if count < LEAST_POINTS:
        return
    moments = np.zeros(MOMENTS)
    for start in range(0, count, AT_ONCE):
        add_moments(a, t, start, min(start + AT_ONCE, count), moments)
    centre(a, t, count, moments)
    fit_similarity(moments, count, way)


@compiled
def shifted(shift: Floats, way: Floats) -> None:
    """A shift as a similarity, into FIT numbers."""
    way[:] = 0.0
    way[0] = way[1] = way[5] = way[9] = 1.0
    for i in range(3):
        way[10 + i] = shift[i]


@compiled
def distances(a: Floats, t: Floats, count: int, way: Floats, found: Floats) -> float:
    """Sum of the distances of points in planes after a similarity, and each of them."""
    m, p, q = way[0] * way[1:10], way[10:13], way[13:16]
    px, py, pz, qx, qy, qz = p[0], p[1], p[2], q[0], q[1], q[2]
    total = 0.0
    for k in range(count):
        x, y, z = a[0, k] - px, a[1, k] - py, a[2, k] - pz
        u = m[0] * x + m[1] * y + m[2] * z - (t[0, k] - qx)
        v = m[3] * x + m[4] * y + m[5] * z - (t[1, k] - qy)
        w = m[6] * x + m[7] * y + m[8] * z - (t[2, k] - qz)
        found[k] = math.sqrt(u * u + v * v + w * w)
        total += found[k]
    return total


@compiled
def errors(
    sides: Sides,
    counted: Chosen,
    fit_on: Chosen,
    same: bool,
    shifts: Floats,
    aligned: bool,
    first: int,
    found: Floats,
) -> None:
    """Mean distances of some people into (b, S or S + 1), the first of whom is told.

    After each of the (S, B, 3) shifts; at last, if that is asked for, after the similarity of the
    points to fit on, which may be the `same` as those that count and are taken once then.
    """
    size = counted.mask.shape[1]
    a, t, each, way = np.empty((3, size)), np.empty((3, size)), np.empty(size), np.empty(FIT)
    for row in range(len(found)):
        b = first + row
        if not same:
            similarity(a, t, take_both(sides, fit_on, b, a, t), way)
        count = take_both(sides, counted, b, a, t)
        if same and aligned:
            similarity(a, t, count, way)
        if aligned:
            found[row, -1] = distances(a, t, count, way, each) / count if count else math.nan
        for s in range(len(shifts)):
            shifted(shifts[s, b], way)
            found[row, s] = distances(a, t, count, way, each) / count if count else math.nan


@compiled
def fits(sides: Sides, fit_on: Chosen, first: int, found: Floats) -> None:
    """Similarities of some people into (b, FIT)."""
    size = fit_on.mask.shape[1]
    a, t = np.empty((3, size)), np.empty((3, size))
    for row in range(len(found)):
        similarity(a, t, take_both(sides, fit_on, first + row, a, t), found[row])


@compiled
def add_points(
    sides: Sides,
    every: Chosen,
    counted: Chosen,
    shift: Floats,
    people: tuple[int, int],
    sums: Floats,
    counts: Ids,
) -> None:
    """Distances of each point, and of how many people, onto (2, N): after a shift, and aligned.

    The similarity is fitted on all points. A person with a counted point without a distance is
    left out.
    """
    size = sums.shape[1]
    a, t, each, way = np.empty((3, size)), np.empty((3, size)), np.empty(size), np.empty(FIT)
    for b in range(people[0], people[1]):
        take_both(sides, every, b, a, t)
        mask = counted.mask[min(b, len(counted.mask) - 1)]
        for alignment in range(2):
            if alignment == 0:
                shifted(shift[b], way)
            else:
                similarity(a, t, size, way)
            distances(a, t, size, way, each)
            total = 0.0
            for k in range(size):
                total += each[k] if mask[k] else 0.0
            if math.isfinite(total):
                for k in range(size):
                    sums[alignment, k] += each[k] if mask[k] else 0.0
                    counts[alignment, k] += mask[k]
