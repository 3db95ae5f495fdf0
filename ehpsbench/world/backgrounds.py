"""What is behind the people: a plain wall and floor, or cheap clutter; small when compressed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ehpsbench.world.camera import Camera

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]

__all__ = ["background"]


def background(kind: str, camera: Camera, rng: np.random.Generator) -> Pixels:
    """An empty picture, (H, W, 3): a wall over a floor, or with `clutter` things on both."""
    picture = np.empty((camera.height, camera.width, 3), np.uint8)
    wall, ground = rng.integers(90, 230, (2, 3))
    picture[:] = wall
    _below_horizon(picture, camera, ground.astype(np.uint8))
    if kind == "clutter":
        _add_patches(picture, rng)
        _add_texture(picture, rng)
    return picture


def _below_horizon(picture: Pixels, camera: Camera, colour: Pixels) -> None:
    """Paint the pixels whose ray goes down by more than a wall some way off would allow."""
    down = camera.rotation[:, 1]
    column = (np.arange(camera.width) + 0.5 - camera.principal_point[0]) / camera.focal[0]
    row = (np.arange(camera.height) + 0.5 - camera.principal_point[1]) / camera.focal[1]
    falls = column * down[0] + (row * down[1])[:, None] + down[2]
    ahead = column * camera.rotation[0, 2] + (row * camera.rotation[1, 2])[:, None]
    picture[falls > 0.35 * np.maximum(ahead + camera.rotation[2, 2], 0)] = colour


def _add_patches(picture: Pixels, rng: np.random.Generator) -> None:
    """Rectangles and discs of one colour."""
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(6, 14))):
        centre = rng.random(2) * [height, width]
        half = rng.uniform(0.03, 0.22, 2) * [height, width]
        colour = rng.integers(20, 236, 3).astype(np.uint8)
        (top, left), (bottom, right) = (
            np.clip(np.round(centre + sign * half), 0, [height, width]).astype(int)
            for sign in (-1, 1)
        )
        window = picture[top:bottom, left:right]
        if rng.random() < 0.6 or not window.size:
            window[:] = colour
            continue
        y = (np.arange(top, bottom) - centre[0]) / half[0]
        x = (np.arange(left, right) - centre[1]) / half[1]
        window[(y**2)[:, None] + x**2 < 1] = colour


def _add_texture(picture: Pixels, rng: np.random.Generator) -> None:
    """Blocks a little lighter or darker, of two sizes."""
    height, width = picture.shape[:2]
    texture = np.zeros((height, width), np.int16)
    for share, strength in ((1 / 8, 22), (1 / 32, 10)):
        block = max(1, round(height * share))
        rows, columns = -(-height // block), -(-width // block)
        values = rng.integers(-strength, strength + 1, (rows, columns)).astype(np.int16)
        texture += np.repeat(np.repeat(values, block, 0), block, 1)[:height, :width]
    picture[:] = np.clip(picture + texture[..., None], 0, 255)
