"""Triangles → pixels: an exact NumPy z-buffer, vectorised over all triangles at once.

A pixel is hit where its centre (x + 0.5, y + 0.5) lies in the projected triangle. Depth and
weights are perspective-correct. The nearest triangle wins; of equals, the first one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.world.camera import Camera

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["NEAR", "Fragments", "rasterise", "vertex_normals"]

NEAR = 0.05  # m; triangles that reach closer to the camera plane are not drawn
_CHUNK = 1 << 20  # pixel tests at once, to bound the memory
_EDGE = 1e-9  # px; a centre on the shared edge of two triangles must not fall through


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

    def interpolate(
        self, values: NDArray[np.floating], faces: NDArray[np.integer]
    ) -> NDArray[np.floating]:
        """(V, k) values at the vertices → (P, k) at the pixels, in the precision of the values."""
        corners = faces[self.face]
        weights = self.weights.astype(values.dtype, copy=False)
        result = values[corners[:, 0]] * weights[:, :1]
        for corner in (1, 2):
            result += values[corners[:, corner]] * weights[:, corner : corner + 1]
        return np.asarray(result)


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
    near = np.zeros(area)
    covered = np.zeros(count * area, bool)
    found = []
    for rows in _portions(setup.size[:, 0] * setup.size[:, 1]):
        spans = _spans(setup, rows)
        pixel, nearness = _hits(setup, spans, camera.width)
        np.maximum.at(near, pixel, nearness)
        if count > 1:
            covered[np.repeat(group[setup.face[spans.row]] * area, spans.length) + pixel] = True
        found.append((np.repeat(spans.row, spans.length), pixel, nearness))
    shown = near > 0 if count <= 1 else covered
    return _nearest(setup, found, near, camera, shown.reshape(-1, area).sum(1))


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
    edges: Floats  # (T, 3, 2): screen weights of the corners change by this along x and y
    nearness: Floats  # (T, 3): 1/z at the corners
    low: Ints  # (T, 2) first pixel column and row
    size: Ints  # (T, 2) columns and rows

    @classmethod
    def of(cls, points: Floats, faces: NDArray[np.integer], camera: Camera, cull: bool) -> _Setup:
        in_front = points[:, 2] > NEAR
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
        ab, ac, area = ab[face], ac[face], area[face, None]
        second = np.stack([ac[:, 1], -ac[:, 0]], 1) / area
        third = np.stack([-ab[:, 1], ab[:, 0]], 1) / area
        return cls(
            face=face,
            corner=a[face],
            edges=np.stack([-second - third, second, third], 1),
            nearness=1.0 / safe[:, 2][faces[face]],
            low=low[face].astype(np.int64),
            size=(high - low)[face].astype(np.int64) + 1,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Spans:
    """Runs of pixels inside one triangle: row of the set-up, y, first x and length, (S,)."""

    row: Ints
    y: Ints
    x: Ints
    length: Ints


def _portions(tests: Ints) -> list[slice]:
    """Runs of triangles whose boxes have at most about `_CHUNK` pixels together."""
    ends = np.cumsum(tests)
    if not len(ends):
        return []
    cuts = np.searchsorted(ends, np.arange(_CHUNK, ends[-1] + _CHUNK, _CHUNK), side="right")
    bounds = np.unique(np.concatenate([[0], cuts, [len(ends)]]))
    return [slice(int(a), int(b)) for a, b in pairwise(bounds)]


def _spans(setup: _Setup, rows: slice) -> _Spans:
    """The run of pixel centres inside each triangle on each of its rows."""
    height = setup.size[rows, 1]
    row = np.repeat(np.arange(rows.start, rows.start + len(height)), height)
    down = np.arange(len(row)) - np.repeat(np.cumsum(height) - height, height)
    y = setup.low[row, 1] + down
    corner = setup.corner[row]
    dy = y + 0.5 - corner[:, 1]
    # each weight is a·dx + b on this row and must not be negative
    slope, rest = setup.edges[row, :, 0], setup.edges[row, :, 1] * dy[:, None]
    rest[:, 0] += 1
    with np.errstate(divide="ignore", invalid="ignore"):
        root = -rest / slope
    from_left = np.where(slope > 0, root, -np.inf).max(1)
    to_right = np.where(slope < 0, root, np.inf).min(1)
    empty = ((slope == 0) & (rest < -_EDGE)).any(1)
    first = np.ceil(from_left + corner[:, 0] - 0.5 - _EDGE)
    last = np.floor(to_right + corner[:, 0] - 0.5 + _EDGE)
    least = setup.low[row, 0]
    first = np.maximum(first, least)
    last = np.minimum(last, least + setup.size[row, 0] - 1)
    some = np.flatnonzero((last >= first) & ~empty)
    x = first[some].astype(np.int64)
    return _Spans(row[some], y[some], x, last[some].astype(np.int64) - x + 1)


def _hits(setup: _Setup, spans: _Spans, width: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Every pixel of every span, and 1/z there, which is linear on the screen."""
    edges, corners = setup.edges[spans.row], setup.nearness[spans.row]
    along = np.einsum("sc,sck->sk", corners, edges)
    dx = spans.x + 0.5 - setup.corner[spans.row, 0]
    dy = spans.y + 0.5 - setup.corner[spans.row, 1]
    first = corners[:, 0] + along[:, 0] * dx + along[:, 1] * dy
    before = np.cumsum(spans.length) - spans.length
    place = np.arange(int(spans.length.sum()))
    step = place - np.repeat(before, spans.length)
    pixel = np.repeat(spans.y * width + spans.x, spans.length) + step
    nearness = np.repeat(first, spans.length) + np.repeat(along[:, 0], spans.length) * step
    return pixel, nearness


def _nearest(
    setup: _Setup,
    found: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]],
    near: Floats,
    camera: Camera,
    covered: Ints,
) -> Fragments:
    """Keep the triangle with the greatest 1/z at each pixel, and weigh its corners there."""
    owner = np.full(len(near), -1, np.int32)
    for row, pixel, nearness in reversed(found):
        first = np.flatnonzero(nearness == near[pixel])[::-1]
        owner[pixel[first]] = row[first]  # the last one written stays: the first triangle
    pixel = np.flatnonzero(owner >= 0)
    row, depth = owner[pixel], 1.0 / near[pixel]
    y, x = np.divmod(pixel.astype(np.int32), np.int32(camera.width))
    planes = _weight_planes(setup)[row]
    weights = planes[:, 0] * (x + 0.5)[:, None]
    weights += planes[:, 1] * (y + 0.5)[:, None]
    weights += planes[:, 2]
    weights *= depth[:, None]
    return Fragments(pixel, setup.face[row], weights, depth, covered)


def _weight_planes(setup: _Setup) -> Floats:
    """(T, 3, 3): surface weight over depth of each corner (last axis) = p0·x + p1·y + p2."""
    result = np.empty((len(setup.face), 3, 3))
    result[:, :2] = setup.edges.transpose(0, 2, 1)
    result[:, 2] = -np.einsum("tck,tk->tc", setup.edges, setup.corner)
    result[:, 2, 0] += 1
    result *= setup.nearness[:, None]
    return result
