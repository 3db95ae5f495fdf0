"""Writes EFT's JSON for the people of a miniature release."""

from __future__ import annotations

from typing import Any

import numpy as np

from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.parameters import joined_pose
from ehpsbench.dataset_adapters.readers.eft import CROP, CROP_FOCAL
from ehpsbench.geometry import rotation_matrix
from ehpsbench.skeleton.sources import EFT_49

__all__ = ["FOCAL", "RULES", "eft_items"]

FOCAL = 6000.0  # px, of `Filming.focal`: it makes crops of 270 px, whatever the person's size
RULES = ("finite", "ranges")  # a rotation matrix is never too large, a scale never behind


def eft_items(clip: Clip, names: list[str], actor: int = 0) -> list[dict[str, Any]]:
    """An item for each frame; the inverse of `readers.eft.eft_columns`.

    Args:
        clip: of SMPL people, filmed with `FOCAL`.
        names: `imageName` of each frame.
        actor: of the clip.
    """
    fit, points = clip.fits(actor, 0), clip.keypoints(EFT_49, actor)
    box, poses = clip.box(actor), joined_pose(fit, "smpl")
    items = []
    for row, name in enumerate(names):
        camera = clip.camera(row)
        side = float(camera.focal[0] * CROP / CROP_FOCAL)
        centre = box[row, :2] + box[row, 2:] / 2
        place = fit["transl"][row]
        away = place[2] if np.isfinite(place[2]) else 1.0
        scale = 2 * camera.focal[0] / (side * away)
        offset = (place[:2] - 2 * (centre - camera.principal_point) / (side * scale)) * scale
        items.append(
            {
                "parm_pose": rotation_matrix(poses[row].reshape(24, 3)).tolist(),
                "parm_shape": fit["betas"][row].tolist(),
                "parm_cam": [scale, *offset.tolist()],
                "bbox_scale": side / 200,
                "bbox_center": centre.tolist(),
                "joint_validity_openpose18": [True] * 18,
                "smpltype": "smpl",
                "annotId": 0,
                "imageName": name,
                "gt_keypoint_2d": points[row].tolist(),
            }
        )
    return items
