"""The HoloLens colour camera (PV): its pose and focal length of every frame, and the way to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError

__all__ = ["OPENGL_TO_OPENCV", "Pv", "camera_columns", "read_pv"]

Floats = NDArray[np.float64]
OPENGL_TO_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])
TICK = 1e-7  # s, of Windows file times
LARGEST_SHEAR = 0.01  # how far a rotation's determinant may be from one


class Pv(NamedTuple):
    """A `*_pv.txt`: one row a frame.

    `ticks` (F,) are whole 100 ns; `focal` (F, 2) and `principal_point` (2,) [px]; `pose`
    (F, 4, 4) brings the camera's OpenGL axes to the HoloLens' world [m].
    """

    ticks: NDArray[np.int64]
    focal: Floats
    pose: Floats
    principal_point: Floats
    width: int
    height: int


def read_pv(path: Path) -> Pv:
    """The camera file of a recording.

    Raises:
        InputError: a line has not the numbers that it must have.
    """
    rows = [line.rstrip(", ").split(",") for line in path.read_text().splitlines() if line.strip()]
    try:
        cx, cy, width, height = (float(value) for value in rows[0])
        values = np.array([row[1:] for row in rows[1:]], np.float64).reshape(-1, 18)
        # a float would not hold all digits of a time
        ticks = np.array([int(row[0]) for row in rows[1:]], np.int64)
        pose = values[:, 2:].reshape(-1, 4, 4)
        return Pv(ticks, values[:, :2], pose, np.array([cx, cy]), int(width), int(height))
    except (ValueError, IndexError) as error:
        raise InputError(
            f"{path}: expected cx,cy,w,h in line 1 and timestamp,fx,fy and 16 numbers in each "
            f"other line ({error}). Is the file complete?"
        ) from error


def camera_columns(
    pv: Pv, ticks: NDArray[np.int64], holo_to_kinect: Floats
) -> dict[str, NDArray[Any]]:
    """Cameras of the images taken at `ticks` (M,); NaN where the file gives none that can be used.

    The world is the master Kinect's colour camera, whose frame the bodies are in:
    kinect → HoloLens world → camera with OpenGL axes → camera with OpenCV axes.
    """
    order = np.argsort(pv.ticks, kind="stable")
    row = order[np.minimum(np.searchsorted(pv.ticks[order], ticks), len(order) - 1)]
    known = pv.ticks[row] == ticks
    rigid = known & _rigid(pv.pose[row])
    pose = np.where(rigid[:, None, None], pv.pose[row], np.eye(4))
    chain = OPENGL_TO_OPENCV @ np.linalg.inv(pose) @ np.linalg.inv(holo_to_kinect)
    rotation = np.where(rigid[:, None], chain[:, :3, :3].reshape(-1, 9), np.nan)
    return {
        "focal": np.where(known[:, None], pv.focal[row], np.nan),
        "principal_point": np.tile(pv.principal_point, (len(ticks), 1)),
        "world_rotation": rotation,
        "world_translation": np.where(rigid[:, None], chain[:, :3, 3], np.nan),
        "timestamp": (ticks - pv.ticks.min()) * TICK,
        "source_row": row,
    }


def _rigid(pose: Floats) -> NDArray[np.bool_]:
    """(N,) whether the upper left of (N, 4, 4) is a rotation: singular ones and NaN are not."""
    rotation = pose[:, :3, :3]
    square = rotation @ rotation.transpose(0, 2, 1)
    far = np.abs(square - np.eye(3)).max((1, 2))
    return np.asarray((far < LARGEST_SHEAR) & (np.linalg.det(np.nan_to_num(rotation)) > 0))
