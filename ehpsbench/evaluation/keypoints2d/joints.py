"""Where the scored joints lie among the stored ones, and how they lie in COCO files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.keypoints2d.rules import Joints
from ehpsbench.skeleton.sources import (
    COCO_17,
    COCO_FEET_6,
    FACE_68,
    LEFT_HAND_21,
    RIGHT_HAND_21,
    Map,
)

COCO_PARTS = {
    "keypoints": 17,
    "foot_kpts": 6,
    "face_kpts": 68,
    "lefthand_kpts": 21,
    "righthand_kpts": 21,
}
PART_SCORES = {
    "foot": "foot_score",
    "face": "face_score",
    "left_hand": "lefthand_score",
    "right_hand": "righthand_score",
    "whole": "wholebody_score",
}
MAPS: dict[str, Map] = {
    "coco17": COCO_17,
    # The store has one wrist for the body and the root of the hand.
    "wholebody133": (*COCO_17, *COCO_FEET_6, *FACE_68, *LEFT_HAND_21, *RIGHT_HAND_21),
}


def stored_joints(keypoints: NDArray[np.float64], joints: Joints) -> NDArray[np.float64]:
    """(N, K, 3) of stored keypoints2d (N, 144·3); a hand is the one with more labels."""
    points = keypoints.reshape(len(keypoints), -1, 3)
    if joints != "hand21":
        return points[:, list(MAPS[joints])]
    left, right = points[:, list(LEFT_HAND_21)], points[:, list(RIGHT_HAND_21)]
    is_left = (left[:, 1:, 2] > 0).sum(1) > (right[:, 1:, 2] > 0).sum(1)
    return np.where(is_left[:, None, None], left, right)


def coco_joints(entry: dict[str, Any], joints: Joints, where: str) -> NDArray[np.float64]:
    """(K, 3) of an annotation or a result of COCO: its parts, or all joints as `keypoints`.

    Raises:
        InputError: a part is missing or of another length.
    """
    if joints == "wholebody133" and len(entry.get("keypoints", ())) != 133 * 3:
        names = tuple(COCO_PARTS)
    else:
        names = ("keypoints",)
    try:
        flat = np.concatenate([np.asarray(entry[name], np.float64).ravel() for name in names])
    except KeyError as error:
        raise InputError(
            f"{where} has no {error}; {joints} needs {', '.join(names)}"
            + (", or 399 values in keypoints." if joints == "wholebody133" else ".")
        ) from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: its keypoints are not numbers ({error}).") from error
    count = {"coco17": 17, "wholebody133": 133, "hand21": 21}[joints]
    if joints == "coco17" and len(flat) == 133 * 3:
        flat = flat[: 17 * 3]
    if len(flat) != count * 3:
        raise InputError(
            f"{where}: {joints} needs {count} × (x, y, score), it has {len(flat)} values."
        )
    return flat.reshape(-1, 3)
