"""Where the world of a miniature's recording lies, as its owners have it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.images import UPRIGHT
from ehpsbench.geometry import rotate_z, rotation_matrix
from ehpsbench.world.camera import Camera

__all__ = ["nowhere", "rigid", "upright_world"]

Floats = NDArray[np.float64]


def upright_world(rng: np.random.Generator) -> Floats:
    """(4, 4) the scene → a world with z up, turned and shifted within a room."""
    matrix = rigid(rng)
    turn = rotate_z(float(rng.uniform(-np.pi, np.pi)))
    matrix[:3, :3] = turn @ UPRIGHT.T
    return matrix


def nowhere(camera: Camera, motion: Floats) -> Camera:
    """A camera whose frame is the upright frame of a world with z up, wherever people are in it."""
    upright = UPRIGHT @ motion[:3]
    return replace(camera, rotation=upright[:, :3], translation=upright[:, 3], distortion=None)


def rigid(rng: np.random.Generator) -> Floats:
    """(4, 4) some rigid motion within a room."""
    matrix: Floats = np.eye(4)
    matrix[:3, :3] = rotation_matrix(rng.uniform(-2, 2, 3))
    matrix[:3, 3] = rng.uniform(-2, 2, 3)
    return matrix
