"""SLOPER4D's camera: a rig on the follower's head, whose lens and path may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.geometry import rotation_matrix

__all__ = ["LENS", "SIZE", "extrinsics", "lens", "lidar_poses"]

Floats = NDArray[np.float64]
LENS = (599.628, 599.466, 971.613, 540.258)  # px, the owners' default: fx, fy, cx, cy
SIZE = (1920, 1080)
RIG = np.array(  # LiDAR → camera, the owners' default
    (
        (-0.0355545576, -0.999323133, -0.0094419378, -0.00330376451),
        (0.00117895777, 0.00940596282, -0.999955068, -0.0498469479),
        (0.999367041, -0.0355640917, 0.00084373493, -0.0994979365),
        (0.0, 0.0, 0.0, 1.0),
    )
)


def lens(data: Mapping[str, Any]) -> tuple[Floats, tuple[int, int]]:
    """fx, fy, cx, cy and width, height [px]; the owners' own where the file has none."""
    info = data.get("RGB_info")
    if not info:
        return np.array(LENS), SIZE
    return np.asarray(info["intrinsics"], np.float64), (int(info["width"]), int(info["height"]))


def extrinsics(data: Mapping[str, Any], count: int) -> Floats:
    """(count, 4, 4) world → camera: as stored, else by way of the LiDAR's path and the rig.

    Without a word on the camera at all the rig is the owners' default, as the lens is.

    Raises:
        ValueError: neither the poses nor, in `RGB_info`, the camera's place on the rig are there.
    """
    stored = data["RGB_frames"].get("cam_pose")
    if stored is not None:
        return np.asarray(stored, np.float64).reshape(-1, 4, 4)[:count]
    info = data.get("RGB_info")
    rig = info.get("lidar2cam") if info else RIG
    if rig is None:
        raise ValueError("no camera poses: neither RGB_frames.cam_pose nor RGB_info.lidar2cam")
    path = np.asarray(data["first_person"]["lidar_traj"], np.float64)[:count]
    return np.asarray(np.asarray(rig, np.float64) @ np.linalg.inv(lidar_poses(path)))


def lidar_poses(path: Floats) -> Floats:
    """(F, 4, 4) LiDAR → world of a path (F, 9): number, x, y, z, quaternion x, y, z, w, time."""
    imaginary, real = path[:, 4:7], path[:, 7]
    sine = np.linalg.norm(imaginary, axis=1)
    turn = 2 * np.arctan2(sine, real) / np.where(sine > 0, sine, 1.0)
    poses = np.tile(np.eye(4), (len(path), 1, 1))
    poses[:, :3, :3] = rotation_matrix(imaginary * turn[:, None])
    poses[:, :3, 3] = path[:, 1:4]
    return poses
