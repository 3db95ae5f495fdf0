"""Where a body must stand so that its joints are seen at given pixels, its rotation being known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ehpsbench.geometry import box_around, project

__all__ = ["Placed", "place"]

Floats = NDArray[np.float64]

ROUNDS = 3  # of weights: errors are of rays first, then of pixels
NEAREST = 0.1  # m: a joint this near weighs no more


class Placed(NamedTuple):
    """N bodies that were placed.

    Attributes:
        transl: (N, 3) what the joints are moved by [m].
        error: (N,) mean distance of joints and pixels, in parts of the person's larger side.
        seen: (N,) how many joints it is from.
    """

    transl: Floats
    error: Floats
    seen: NDArray[np.int64]


def place(joints: Floats, points: Floats, intrinsics: Floats) -> Placed:
    """Translations that bring joints to pixels, by weighted linear least squares.

    A joint J moved by t is on the ray (u, v, 1) if Jx + tx = u (Jz + tz), likewise for y: linear
    in t. Weights 1 / depth make errors of rays those of pixels.

    Args:
        joints: (N, K, 3) turned as the camera sees them, but not placed [m].
        points: (N, K, 3) x, y, score [px]; scores of 0 do not count.
        intrinsics: (N, 3, 3) of each person's image.
    """
    focal, centre = intrinsics[:, None, (0, 1), (0, 1)], intrinsics[:, None, :2, 2]
    body, seen = np.nan_to_num(joints), points[..., 2] > 0
    ray = np.where(seen[..., None], (points[..., :2] - centre) / focal, 0.0)
    rows = np.zeros((*ray.shape, 3))
    rows[..., 0, 0] = rows[..., 1, 1] = 1.0
    rows[..., 2] = -ray
    sides = ray * body[..., 2:] - body[..., :2]
    weight = seen.astype(np.float64)
    transl = np.zeros((len(body), 3))
    for _ in range(ROUNDS):
        left = np.einsum("nk,nkai,nkaj->nij", weight, rows, rows)
        right = np.einsum("nk,nkai,nka->ni", weight, rows, sides)
        transl = (np.linalg.pinv(left) @ right[..., None])[..., 0]
        depth = np.maximum(body[..., 2] + transl[:, None, 2], NEAREST)
        weight = seen / depth**2
    return Placed(transl, _error(body + transl[:, None], points, intrinsics), seen.sum(1))


def _error(placed: Floats, points: Floats, intrinsics: Floats) -> Floats:
    """(N,) mean distance in parts of the person's larger side; infinite where nothing is seen."""
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = project(placed, intrinsics[:, (0, 1), (0, 1)], intrinsics[:, :2, 2])
    seen = points[..., 2] > 0
    known = np.where(seen[..., None], points[..., :2], np.nan)
    distance = np.linalg.norm(pixels - points[..., :2], axis=-1)
    side = np.nan_to_num(box_around(known)[:, 2:]).max(1)
    total = np.where(seen, distance, 0.0).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Floats = np.nan_to_num(total / seen.sum(1) / side, nan=np.inf)
    return share
