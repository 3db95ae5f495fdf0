"""Masks of the people in the pictures of a miniature release."""

from __future__ import annotations

import numpy as np

from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.world.camera import Camera
from ehpsbench.world.scenes import Scene

__all__ = ["save_silhouette"]


def save_silhouette(order: Order, path: str, scene: Scene, camera: Camera) -> None:
    """Write a grey picture, 255 where there is somebody; nobody in flat pictures.

    Args:
        order: with the root, and what images are asked for; nothing is written when "none".
        path: of the mask below the root.
        scene: what is seen.
        camera: from where.
    """
    if order.images == "none":
        return
    from PIL import Image

    from ehpsbench.world.renderer import render

    mask = np.zeros((camera.height, camera.width), np.uint8)
    if order.images == "rendered":
        mask[render(scene, camera, order.bodies).person_ids > 0] = 255
    place = order.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(place)
