"""3DPW's joints as both of its forms have them: keypoints, and the tight box around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ehpsbench.geometry import box_around, clip_box, project
from ehpsbench.schema import Columns, nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import OPENPOSE_18, SMPL_24

__all__ = ["joint_columns"]

Floats = NDArray[np.float64]


def joint_columns(
    joints: Floats, placed: NDArray[np.bool_], detected: Floats, columns: Columns
) -> Columns:
    """Keypoints of N people, and a box around their joints: it does not depend on the parameters.

    Args:
        joints: (N, 24, 3) of the owners in the camera frame [m].
        placed: (N,) whether the camera is right there, so that the joints count.
        detected: (N, 18, 3) x, y, score [px]; zeros where nobody was found.
        columns: with the people's camera and image size.
    """
    pixels = project(joints, columns["focal"], columns["principal_point"])
    with np.errstate(invalid="ignore"):
        front = joints[..., 2] > 0
    box = box_around(np.where(front[..., None], pixels, np.nan))
    box = clip_box(box, columns["width"], columns["height"])
    scored = np.pad(joints, ((0, 0), (0, 0), (0, 1)), constant_values=1.0)
    flat, solid = (
        keypoint_columns(2, (detected, OPENPOSE_18)),
        keypoint_columns(3, (scored, SMPL_24)),
    )
    return {
        **{name: nullable(values, detected.any((1, 2))) for name, values in flat.items()},
        **{name: nullable(values, placed) for name, values in solid.items()},
        "bbox": nullable(np.nan_to_num(box), front.any(1)),
    }
