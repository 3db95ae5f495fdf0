"""BEHAVE's keypoints: OpenPose in each distorted view, and 3D joints in the world."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.readers.openpose import OPENPOSE_135, person_points
from ehpsbench.errors import InputError
from ehpsbench.schema import Columns, nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import OPENPOSE_BODY_25

__all__ = ["PARTS", "seen_in_images", "seen_in_space"]

Floats = NDArray[np.float64]
PARTS = {  # the owners' names of OpenPose's parts
    "body_joints": "pose_keypoints_2d",
    "left_hand_joints": "hand_left_keypoints_2d",
    "right_hand_joints": "hand_right_keypoints_2d",
    "face_joints": "face_keypoints_2d",
}


def seen_in_images(paths: Sequence[Path]) -> dict[str, NDArray[Any]]:
    """2D columns of N people, each of a file; null where it is not there or nothing was found."""
    points = np.zeros((len(paths), len(OPENPOSE_135), 3))
    for row, path in enumerate(paths):
        if not path.is_file():
            continue
        content = read_json(path)
        try:
            points[row] = person_points({PARTS[key]: content[key] for key in PARTS})
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: expected x, y and confidence under {', '.join(PARTS)} "
                f"({type(error).__name__}: {error})."
            ) from error
    return _known(keypoint_columns(2, (points, OPENPOSE_135)), points[..., 2])


def seen_in_space(
    paths: Sequence[Path], row: NDArray[np.int64], columns: Columns
) -> dict[str, NDArray[Any]]:
    """3D columns of N people in their cameras' frames.

    Args:
        paths: of each fit; a file that is not there is null.
        row: (N,) which of them each person is of.
        columns: of the people, with `world_rotation` and `world_translation`.
    """
    joints = np.zeros((len(paths), len(OPENPOSE_BODY_25), 4))
    for place, path in enumerate(paths):
        if not path.is_file():
            continue
        content = read_json(path)
        try:
            joints[place] = np.asarray(content["body_joints3d"], np.float64).reshape(-1, 4)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: expected 25 times x, y, z and confidence under 'body_joints3d' "
                f"({type(error).__name__}: {error})."
            ) from error
    own = joints[row]
    turn = columns["world_rotation"].reshape(-1, 3, 3)
    moved = own[..., :3] @ turn.transpose(0, 2, 1) + columns["world_translation"][:, None]
    seen = np.concatenate([moved, own[..., 3:]], -1)
    return _known(keypoint_columns(3, (seen, OPENPOSE_BODY_25)), own[..., 3])


def _known(columns: dict[str, NDArray[Any]], score: Floats) -> dict[str, NDArray[Any]]:
    found = (score > 0).any(1)
    return {name: nullable(values, found) for name, values in columns.items()}
