"""Joints, meshes, keypoints and boxes of a clip, each worked out once: writers ask frame by frame.

The arrays are shared, so they cannot be written to.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.surface_joints import joints_127
from ehpsbench.geometry import box_around, clip_box
from ehpsbench.skeleton.sources import Map
from ehpsbench.world.people import model_of, posed, posed_joints

if TYPE_CHECKING:
    from ehpsbench.dataset_adapters.clips import Clip

__all__ = ["boxes", "chain", "extrinsics", "joints", "keypoints", "meshes", "points3d"]

Floats = NDArray[np.float64]

SMPL_JOINTS, SMPLX_JOINTS = 22, 55
KEPT = 32  # arrays of joints and boxes; meshes are large, so the latest only


def chain(clip: Clip, view: int | None) -> Floats:
    """(F, 4, 4) scene → camera of a view, or → the release's world."""
    if view is None:
        return np.repeat(clip.motion[None], len(clip), 0)
    return np.stack([clip.camera(f, view).matrix for f in range(len(clip))])


@lru_cache(maxsize=KEPT)
def extrinsics(clip: Clip, view: int) -> Floats:
    """(F, 4, 4) the release's world → camera."""
    back = np.linalg.inv(clip.motion)
    return _kept(np.stack([clip.camera(f, view).matrix @ back for f in range(len(clip))]))


@lru_cache(maxsize=KEPT)
def joints(clip: Clip, actor: int, view: int | None) -> Floats:
    """(F, J, 3) joints as labelled [m], in the order of the family."""
    found = np.stack(posed_joints([row[actor] for row in clip.said], clip.bodies))
    return _kept(_moved(clip, found, view))


@lru_cache(maxsize=1)
def meshes(clip: Clip, actor: int, view: int | None) -> Floats:
    """(F, V, 3) vertices as labelled [m]."""
    found = np.stack(posed([row[actor] for row in clip.said], clip.bodies))
    return _kept(_moved(clip, found.astype(np.float64), view))


@lru_cache(maxsize=KEPT)
def points3d(clip: Clip, names: Map, actor: int, view: int | None) -> Floats:
    """(F, K, 4) x, y, z [m], score of joints in HumanData's order; 0 for those unknown here."""
    known = _labelled_joints(clip, actor, view, max(names) >= SMPLX_JOINTS)
    places = np.asarray(names)
    has = places < known.shape[1]
    result = np.zeros((len(clip), len(names), 4))
    result[:, has, :3] = known[:, places[has]]
    result[:, has, 3] = 1.0
    return _kept(result)


@lru_cache(maxsize=KEPT)
def keypoints(clip: Clip, names: Map, actor: int, view: int) -> Floats:
    """(F, K, 3) x, y, score [px] of joints in HumanData's order; zeros for those not seen."""
    points = points3d(clip, names, actor, view)
    result = np.zeros((*points.shape[:2], 3))
    for frame, row in enumerate(points):
        camera = clip.camera(frame, view)
        pixels = camera.pixels(row[:, :3])
        inside = ((pixels >= 0) & (pixels <= [camera.width, camera.height])).all(-1)
        seen = inside & (row[:, 2] > 0) & (row[:, 3] > 0)
        result[frame, seen] = np.concatenate([pixels[seen], np.ones((seen.sum(), 1))], 1)
    return _kept(result)


@lru_cache(maxsize=KEPT)
def boxes(clip: Clip, actor: int, view: int) -> Floats:
    """(F, 4) x, y, w, h [px] around the kinematic joints in the image."""
    found = joints(clip, actor, view)
    if clip.traits.family == "smpl":  # without the hands, which SMPL-X has elsewhere
        found = found[:, :SMPL_JOINTS]
    result = []
    for frame, points in enumerate(found):
        camera = clip.camera(frame, view)
        pixels = np.where(points[:, 2:] > 0, camera.pixels(points), np.nan)
        result.append(clip_box(box_around(pixels), camera.width, camera.height))
    return _kept(np.stack(result))


@lru_cache(maxsize=KEPT)
def _labelled_joints(clip: Clip, actor: int, view: int | None, surface: bool) -> Floats:
    """(F, J, 3) 22 of SMPL and SMPL-H, 55 or 127 of SMPL-X."""
    found = joints(clip, actor, view)
    if clip.traits.family in ("smpl", "smplh"):
        return found[:, :SMPL_JOINTS]
    if clip.traits.family != "smplx" or not surface:
        return found
    model = model_of(clip.person(actor), clip.bodies)
    return joints_127(meshes(clip, actor, view), found, model)


def _moved(clip: Clip, points: Floats, view: int | None) -> Floats:
    way = chain(clip, view)
    return np.asarray(points @ way[:, :3, :3].transpose(0, 2, 1) + way[:, None, :3, 3])


def _kept(values: Floats) -> Floats:
    values.setflags(write=False)
    return values
