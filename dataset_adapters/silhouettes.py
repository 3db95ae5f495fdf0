"""Masks of the people in the pictures of a miniature release, and how far away they are."""

from __future__ import annotations

import numpy as np

from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.world.camera import Camera
from ehpsbench.world.scenes import Scene

__all__ = ["save_silhouette"]


def save_silhouette(
    order: Order, path: str, scene: Scene, camera: Camera, *, depth: str | None = None
) -> None:
    """Write a grey picture, 255 where there is somebody; nobody in flat pictures.

    Args:
        order: with the root, and what images are asked for; nothing is written when "none".
        path: of the mask below the root.
        scene: what is seen.
        camera: from where.
        depth: of a picture of 16 bits, the depth of people in mm; None: none is written.
    """
    if order.images == "none":
        return
    from PIL import Image

    from ehpsbench.world.renderer import render

    mask = np.zeros((camera.height, camera.width), np.uint8)
    away = np.zeros(mask.shape, np.uint16)
    if order.images == "rendered":
        shown = render(scene, camera, order.bodies)
        mask[shown.person_ids > 0] = 255
        away[:] = np.rint(shown.depth * 1000)
    for place, values in ((path, mask), (depth, away)):
        if place is not None:
            file = order.root / place
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(file)
