"""AGORA's cameras, which no file holds: they follow from the NAME of an image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.geometry import rotate_x, rotate_y

Floats = NDArray[np.float64]

SENSOR_WIDTH_MM = 36.0  # and 20.25 high: square pixels at 16:9


class View(NamedTuple):
    """A camera of the table: what marks it in a file name, and how it stands in Unreal."""

    mark: str
    focal_mm: float
    position_cm: tuple[float, float, float]
    yaw_deg: float
    pitch_deg: float


# the first mark that the name contains decides
VIEWS = (
    View("hdri", 50, (0, 0, 170), 0, 0),
    View("cam00", 18, (400, -275, 265), 135, 30),
    View("cam01", 18, (400, 225, 265), -135, 30),
    View("cam02", 18, (-490, 170, 265), -45, 30),
    View("cam03", 18, (-490, -275, 265), 45, 30),
    View("ag2", 28, (0, 0, 170), 0, 15),
)
FREE_FOCAL_MM = 28.0  # a name without any mark: the dataframe has camX, camY, camZ, camYaw
FREE_RAISED = (0.0, -1.7, 0.0)  # m, eye height above that position
SCAN_TO_WORLD = np.diag([1.0, -1.0, -1.0])  # scans have y up and look along +z


def from_unreal(centimetres: ArrayLike) -> Floats:
    """Unreal (..., 3) [cm] → OpenCV-like world, x right, y down, z forward [m]."""
    x, y, z = np.moveaxis(np.asarray(centimetres, np.float64) / 100, -1, 0)
    return np.stack([y, -z, x], -1)


def cameras(
    names: list[str], position_cm: ArrayLike, yaw_deg: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """World → camera of images.

    Args:
        names: (M,) file names, without any folder: a folder called "hdri" says nothing.
        position_cm: (M, 3) camX, camY, camZ; used where the name has no mark.
        yaw_deg: (M,) camYaw, likewise.

    Returns:
        rotations (M, 3, 3), camera positions (M, 3) in the world [m], focal lengths (M,) [mm].
    """
    which = [next((i for i, v in enumerate(VIEWS) if v.mark in n), len(VIEWS)) for n in names]
    kind = np.asarray(which, np.int64)
    free = kind == len(VIEWS)

    def choose(listed: list[float], own: ArrayLike) -> Floats:
        return np.where(free, own, np.asarray([*listed, 0.0])[kind])

    yaw = np.radians(choose([v.yaw_deg for v in VIEWS], yaw_deg))
    pitch = np.radians(choose([v.pitch_deg for v in VIEWS], 0.0))
    focal = choose([v.focal_mm for v in VIEWS], FREE_FOCAL_MM)
    listed = np.asarray([*(v.position_cm for v in VIEWS), (0, 0, 0)], np.float64)
    place = from_unreal(np.where(free[:, None], position_cm, listed[kind]))
    place = place + np.where(free[:, None], FREE_RAISED, 0.0)
    return rotate_x(pitch) @ rotate_y(-yaw), place, focal


def scan_to_world(position_cm: ArrayLike, yaw_deg: ArrayLike) -> tuple[Floats, Floats]:
    """Where the scans stand: (N, 3) and (N,) → rotations (N, 3, 3), translations (N, 3) [m]."""
    turn = rotate_y(np.radians(np.asarray(yaw_deg, np.float64) - 90))
    return turn @ SCAN_TO_WORLD, from_unreal(position_cm)
