"""Clips of a miniature release seen through lenses that the release fixes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.world.camera import Camera

__all__ = ["Lens", "with_lens", "with_lenses_of", "with_own_lenses"]

Lens = tuple[NDArray[np.float64], NDArray[np.float64]]  # focal length, principal point [px]


def with_lens(clip: Clip, focal: ArrayLike, principal_point: ArrayLike) -> Clip:
    """The clip with this lens [px] in all its cameras, e.g. where a release writes it nowhere."""
    lens = np.asarray(focal, np.float64), np.asarray(principal_point, np.float64)

    def changed(camera: Camera) -> Camera:
        return replace(camera, focal=lens[0], principal_point=lens[1])

    scenes = (replace(s, cameras=tuple(map(changed, s.cameras))) for s in clip.scenes)
    return replace(clip, scenes=tuple(scenes))


def with_lenses_of(first: Clip, clip: Clip) -> Clip:
    """The clip seen through the lenses of another: cameras that all recordings share."""
    lenses = first.scenes[0].cameras
    scenes = []
    for scene in clip.scenes:
        cameras = (
            replace(camera, focal=lens.focal, principal_point=lens.principal_point)
            for camera, lens in zip(scene.cameras, lenses, strict=True)
        )
        scenes.append(replace(scene, cameras=tuple(cameras)))
    return replace(clip, scenes=tuple(scenes))


def with_own_lenses(clip: Clip, lens: Callable[[int, int, Camera], Lens]) -> Clip:
    """The clip with a lens of its own for every picture, as crops have it.

    Args:
        clip: whose cameras are changed.
        lens: frame, view and camera → focal length (2,) and principal point (2,) [px].
    """
    scenes = []
    for frame, scene in enumerate(clip.scenes):
        lenses = [lens(frame, view, camera) for view, camera in enumerate(scene.cameras)]
        cameras = (
            replace(camera, focal=focal, principal_point=centre)
            for camera, (focal, centre) in zip(scene.cameras, lenses, strict=True)
        )
        scenes.append(replace(scene, cameras=tuple(cameras)))
    return replace(clip, scenes=tuple(scenes))
