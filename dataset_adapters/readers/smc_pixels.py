"""Whether DNA-Rendering's 2D joints are on the pictures as stored: its 3D joints decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ehpsbench.geometry import project

__all__ = ["View", "on_stored_pictures"]

Floats = NDArray[np.float64]
LOOKED_AT = 16  # frames of a sequence
CERTAIN = 3.0  # standard errors below one half: joints of undistorted pictures


class View(NamedTuple):
    """A camera: intrinsics (3, 3), distortion (5,), world → camera (4, 4)."""

    matrix: Floats
    distortion: Floats
    chain: Floats


def on_stored_pictures(pixels: Floats, world: Floats, views: Sequence[View]) -> Floats:
    """The 2D joints, bent as the stored pictures are if they were found in undistorted ones.

    Args:
        pixels: (V, F, K, 3) x, y, score of V views [px].
        world: (F, K, 3) the same joints in the world [m]; zeros where there are none.
        views: (V,) the cameras.
    """
    if not len(world):
        return pixels
    frames = np.unique(np.linspace(0, len(world) - 1, LOOKED_AT).astype(np.int64))
    pairs = [
        _shifts(seen, world[frames], view)
        for seen, view in zip(pixels[:, frames], views, strict=True)
    ]
    found = np.concatenate([np.zeros((0, 2)), *(pair[0] for pair in pairs)])
    lens = np.concatenate([np.zeros((0, 2)), *(pair[1] for pair in pairs)])
    if _are_bent(found, lens):
        return pixels
    return np.stack([_bent(seen, view) for seen, view in zip(pixels, views, strict=True)])


def _shifts(found: Floats, world: Floats, view: View) -> tuple[Floats, Floats]:
    """(N, 2) where joints were found and (N, 2) where the lens has them, both from a pinhole's."""
    points = world @ view.chain[:3, :3].T + view.chain[:3, 3]
    straight, bent = (_seen_by(points, view, bent=bent) for bent in (False, True))
    known = np.isfinite(bent).all(-1) & np.isfinite(found).all(-1)
    seen = known & (found[..., 2] > 0) & world.any(-1) & (points[..., 2] > 0)
    return (found[..., :2] - straight)[seen], (bent - straight)[seen]


def _are_bent(found: Floats, lens: Floats) -> bool:
    """Whether joints moved with the lens (share 1) or did not (0): least squares over all."""
    power = float((lens**2).sum())
    if power == 0:
        return True
    share = float((found * lens).sum()) / power
    left = found - share * lens
    error = float(np.sqrt((left**2).mean() / power))
    return share + CERTAIN * error > 0.5


def _seen_by(points: Floats, view: View, *, bent: bool) -> Floats:
    lens = np.pad(view.distortion, (0, 3)) if bent else None
    focal, centre = view.matrix[(0, 1), (0, 1)], view.matrix[:2, 2]
    return project(points, focal, centre, lens, "opencv_rational" if bent else None)


def _bent(found: Floats, view: View) -> Floats:
    """(F, K, 3) pixels of the undistorted picture → of the stored one."""
    focal, centre = view.matrix[(0, 1), (0, 1)], view.matrix[:2, 2]
    rays = np.pad((found[..., :2] - centre) / focal, ((0, 0), (0, 0), (0, 1)), constant_values=1.0)
    placed = _seen_by(rays, view, bent=True)
    kept = (found[..., 2:] > 0) & np.isfinite(placed).all(-1, keepdims=True)
    return np.where(kept, np.concatenate([np.nan_to_num(placed), found[..., 2:]], -1), 0.0)
