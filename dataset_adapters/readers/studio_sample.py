"""Writes tables as `readers.studio` reads them, for the people of a miniature release."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.skeleton.sources import Map

__all__ = ["nested", "seen_by", "studio_camera", "studio_points"]

MM = 1e3


def studio_camera(clip: Clip, view: int, names: tuple[str, str]) -> dict[str, Any]:
    """One camera; `names` of focal length and principal point: focal, princpt or f, c."""
    pose, camera = clip.extrinsics(view)[0], clip.camera(0, view)
    lens = dict(zip(names, (camera.focal, camera.principal_point), strict=True))
    return {"R": pose[:3, :3], "t": pose[:3, 3] * MM, **lens}


def studio_points(clip: Clip, joints: Map) -> NDArray[np.float64]:
    """(F, K, 3) joints of the first actor in the world [mm]."""
    return np.asarray(clip.points3d(joints)[..., :3] * MM)


def seen_by(clip: Clip, joints: Map, view: int) -> NDArray[np.float64]:
    """(F, K, 3) x, y, score [px] of the same joints in a view."""
    return clip.keypoints(joints, 0, view)


def nested(table: dict[str, Any], keys: tuple[Any, ...], value: Any) -> None:
    """Put a value into a table of tables; all keys become text."""
    for key in keys[:-1]:
        table = table.setdefault(str(key), {})
    table[str(keys[-1])] = value
