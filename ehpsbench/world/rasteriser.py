"""Triangles → pixels: an exact NumPy z-buffer, vectorised over all triangles at once.

A pixel is hit where its centre (x + 0.5, y + 0.5) lies in the projected triangle. Depth and
weights are perspective-correct. The nearest triangle wins; of equals, the first one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.world.camera import Camera

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["NEAR", "Fragments", "rasterise", "vertex_normals"]

NEAR = 0.05  # m; triangles that reach closer to the camera plane are not drawn
_CHUNK = 1 << 20  # pixel tests at once, to bound the memory
_EDGE = 1e-9  # a centre on the shared edge of two triangles must not fall through


@dataclass(frozen=True, slots=True, eq=False)
class Fragments:
    """The visible surface, one row per pixel that shows something.

    `pixel` (P,) counts along rows; `face` (P,) indexes the triangles; `weights` (P, 3) are the
    surface (not screen) barycentric weights of its corners; `depth` (P,) is z [m]. `covered` (G,)
    counts the pixels that each group of triangles would cover alone.
    """

    pixel: Ints
    face: Ints
    weights: Floats
    depth: Floats
    covered: Ints

    def interpolate(self, values: NDArray[np.floating], faces: NDArray[np.integer]) -> Floats:
        """(V, k) values at the vertices → (P, k) at the pixels."""
        corners = values[faces[self.face]]
        return np.asarray(np.einsum("pck,pc->pk", corners, self.weights))


def rasterise(
    vertices: ArrayLike,
    faces: NDArray[np.integer],
    camera: Camera,
    *,
    groups: NDArray[np.integer] | None = None,
    cull: bool = True,
) -> Fragments:
    """Draw triangles.

    Args:
        vertices: (V, 3) in the camera frame [m].
        faces: (F, 3), counter-clockwise as seen from outside.
        camera: the view; only its lens and size are used.
        groups: (F,) from 0, which person a triangle belongs to.
        cull: leave out triangles that are seen from behind.
    """
    points = np.asarray(vertices, np.float64)
    setup = _Setup.of(points, np.asarray(faces), camera, cull)
    group = np.zeros(len(faces), np.int64) if groups is None else groups.astype(np.int64)
    count = int(group.max(initial=-1)) + 1
    area = camera.height * camera.width
    covered = np.zeros(count * area, bool)
    near = np.zeros(area)
    found = []
    for rows in _portions(setup.tests):
        hit = _hits(setup, rows, camera.width)
        covered[group[setup.face[hit.row]] * area + hit.pixel] = True
        np.maximum.at(near, hit.pixel, hit.nearness)
        found.append(hit)
    return _nearest(setup, found, near, covered.reshape(count, area).sum(1))


def vertex_normals(vertices: ArrayLike, faces: NDArray[np.integer]) -> Floats:
    """Unit normals (V, 3), area-weighted over the triangles round a vertex; zero where none."""
    points = np.asarray(vertices, np.float64)
    corners = points[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = np.asarray(faces).ravel()
    total = np.stack(
        [np.bincount(flat, np.repeat(across[:, axis], 3), len(points)) for axis in range(3)], 1
    )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(total / np.where(length > 0, length, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Setup:
    """Triangles that can touch a pixel: their screen box and their edge functions, (T, …)."""

    face: Ints
    corner: Floats  # (T, 2) first corner on the screen
    edges: Floats  # (T, 4): weight b = e0·dx + e1·dy, weight c = e2·dx + e3·dy
    nearness: Floats  # (T, 3): 1/z at the corners
    low: Ints  # (T, 2) first pixel column and row
    size: Ints  # (T, 2) columns and rows

    @property
    def tests(self) -> Ints:
        return self.size[:, 0] * self.size[:, 1]

    @classmethod
    def of(cls, points: Floats, faces: NDArray[np.integer], camera: Camera, cull: bool) -> _Setup:
        depth = points[:, 2]
        in_front = depth > NEAR
        # what lies behind the camera is dropped just below: any depth will do for it
        safe = points if in_front.all() else np.where(in_front[:, None], points, [0, 0, 1])
        screen = camera.pixels(safe)
        a, b, c = (screen[faces[:, corner]] for corner in range(3))
        ab, ac = b - a, c - a
        area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
        limit = np.array([camera.width, camera.height])
        low = np.clip(np.ceil(np.minimum(np.minimum(a, b), c) - 0.5), 0, limit)
        high = np.clip(np.floor(np.maximum(np.maximum(a, b), c) - 0.5), -1, limit - 1)
        # y points down: a triangle that shows its outside runs clockwise on paper, area < 0
        drawn = (high >= low).all(1) & (area < 0 if cull else area != 0)
        if not in_front.all():
            drawn &= in_front[faces].all(1)
        face = np.flatnonzero(drawn)
        ab, ac, area = ab[face], ac[face], area[face]
        edges = np.stack([ac[:, 1], -ac[:, 0], -ab[:, 1], ab[:, 0]], 1) / area[:, None]
        return cls(
            face=face,
            corner=a[face],
            edges=edges,
            nearness=1.0 / safe[:, 2][faces[face]],
            low=low[face].astype(np.int64),
            size=(high - low)[face].astype(np.int64) + 1,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Hits:
    row: Ints  # of the set-up
    pixel: Ints
    second: Floats  # screen weights of the second and the third corner
    third: Floats
    nearness: Floats  # 1/z


def _portions(tests: Ints) -> list[slice]:
    """Runs of triangles with at most about `_CHUNK` pixel tests each."""
    ends = np.cumsum(tests)
    if not len(ends):
        return []
    cuts = np.searchsorted(ends, np.arange(_CHUNK, ends[-1] + _CHUNK, _CHUNK), side="right")
    bounds = np.unique(np.concatenate([[0], cuts, [len(ends)]]))
    return [slice(int(a), int(b)) for a, b in pairwise(bounds)]


def _hits(setup: _Setup, rows: slice, width: int) -> _Hits:
    """Every pair of a triangle and a pixel centre inside it."""
    tests = setup.tests[rows]
    row = np.repeat(np.arange(rows.start, rows.start + len(tests)), tests)
    place = np.arange(len(row)) - np.repeat(np.cumsum(tests) - tests, tests)
    down, right = np.divmod(place, setup.size[row, 0])
    x, y = setup.low[row, 0] + right, setup.low[row, 1] + down
    dx, dy = x + 0.5 - setup.corner[row, 0], y + 0.5 - setup.corner[row, 1]
    edges = setup.edges[row]
    second = edges[:, 0] * dx + edges[:, 1] * dy
    third = edges[:, 2] * dx + edges[:, 3] * dy
    inside = np.flatnonzero((second >= -_EDGE) & (third >= -_EDGE) & (second + third <= 1 + _EDGE))
    row, second, third = row[inside], second[inside], third[inside]
    at = setup.nearness[row]
    nearness = at[:, 0] + second * (at[:, 1] - at[:, 0]) + third * (at[:, 2] - at[:, 0])
    return _Hits(row, (y * width + x)[inside], second, third, nearness)


def _nearest(setup: _Setup, found: list[_Hits], near: Floats, covered: Ints) -> Fragments:
    """Keep the hit with the greatest 1/z at each pixel."""
    parts = []
    for hit in found:
        first = np.flatnonzero(hit.nearness == near[hit.pixel])
        parts.append((hit.row[first], hit.pixel[first], hit.second[first], hit.third[first]))
    if not parts:
        empty = np.empty(0, np.int64)
        return Fragments(empty, empty, np.empty((0, 3)), np.empty(0), covered)
    row, pixel, second, third = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    pixel, first = np.unique(pixel, return_index=True)
    row, second, third = row[first], second[first], third[first]
    depth = 1.0 / near[pixel]
    screen = np.stack([1 - second - third, second, third], 1)
    weights = screen * setup.nearness[row] * depth[:, None]
    return Fragments(pixel, setup.face[row], weights, depth, covered)
