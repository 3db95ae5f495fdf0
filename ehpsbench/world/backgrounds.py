"""What is behind the people: a plain wall and floor, or cheap clutter; small when compressed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ehpsbench.world.camera import Camera

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]

__all__ = ["background"]

_PAINTED = 240  # px, least height of what is painted
_WALL = 0.35  # the floor ends where a ray falls by less than this a metre


def background(kind: str, camera: Camera, rng: np.random.Generator) -> Pixels:
    """An empty picture, (H, W, 3): a wall over a floor, or with `clutter` things on both."""
    # large pictures are painted small and enlarged by whole pixels, which is cheap
    times = max(1, camera.height // _PAINTED)
    height, width = -(-camera.height // times), -(-camera.width // times)
    picture = np.empty((height, width, 3), np.uint8)
    wall, ground = rng.integers(90, 230, (2, 3))
    picture[:] = wall
    _below_horizon(picture, camera.scaled(1 / times), ground.astype(np.uint8))
    if kind == "clutter":
        _add_patches(picture, rng)
        _add_texture(picture, rng)
    if times > 1:
        pixels = np.repeat(picture.view("V3")[..., 0], times, axis=1)
        picture = np.repeat(pixels, times, axis=0)[..., None].view(np.uint8)
    return np.ascontiguousarray(picture[: camera.height, : camera.width])


def _below_horizon(picture: Pixels, camera: Camera, colour: Pixels) -> None:
    """Paint the pixels whose ray goes down by more than a wall some way off would allow."""
    down, ahead = camera.rotation[:, 1], camera.rotation[:, 2]
    height, width = picture.shape[:2]
    column = (np.arange(width) + 0.5 - camera.principal_point[0]) / camera.focal[0]
    row = (np.arange(height) + 0.5 - camera.principal_point[1]) / camera.focal[1]
    mask = np.ones(picture.shape[:2], bool)
    for x, y, z in (down, down - _WALL * ahead):
        mask &= (row * y + z).astype(np.float32)[:, None] > (-column * x).astype(np.float32)
    picture[mask] = colour


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
