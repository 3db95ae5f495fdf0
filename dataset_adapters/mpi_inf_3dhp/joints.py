"""Joints of the owners → keypoints and a tight box."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.geometry import box_around, clip_box
from ehpsbench.schema import Columns, nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import Map

Floats = NDArray[np.float64]


def joint_columns(
    pixels: Floats, space: Floats, joints: Map, columns: Columns
) -> dict[str, NDArray[Any]]:
    """Keypoints of N people, and boxes around the joints that are in the image.

    Args:
        pixels: (N, K, 2) [px]; only joints in the image count.
        space: (N, K, 3) in the camera frame [m].
        joints: their map.
        columns: with width and height of the images.
    """
    width, height = columns["width"], columns["height"]
    fits = (pixels >= 0) & (pixels <= np.stack([width, height], -1)[:, None])
    inside = np.asarray(fits, bool).all(-1, keepdims=True)
    box = clip_box(box_around(np.where(inside, pixels, np.nan)), width, height)
    known = np.ones((*space.shape[:2], 1))
    return {
        **keypoint_columns(2, (np.concatenate([pixels, inside], -1), joints)),
        **keypoint_columns(3, (np.concatenate([space, known], -1), joints)),
        "bbox": nullable(np.nan_to_num(box), np.any(inside, axis=(1, 2))),
    }
