"""OpenPose's JSON of an image: people with body, hand and face keypoints as x, y, confidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.errors import InputError
from ehpsbench.skeleton.sources import (
    FACE_68,
    LEFT_HAND_21,
    OPENPOSE_BODY_25,
    RIGHT_HAND_21,
    Map,
)

__all__ = ["OPENPOSE_135", "PARTS", "person_points", "read_openpose"]

PARTS = {  # key → joints in the file, and where those lie that have a place
    "pose_keypoints_2d": (25, OPENPOSE_BODY_25),
    "hand_left_keypoints_2d": (21, LEFT_HAND_21),
    "hand_right_keypoints_2d": (21, RIGHT_HAND_21),
    "face_keypoints_2d": (70, FACE_68),  # the last two are the pupils
}
OPENPOSE_135: Map = tuple(place for _, joints in PARTS.values() for place in joints)


def read_openpose(path: Path) -> NDArray[np.float64]:
    """(P, 135, 3) x, y [px], confidence of the people of an image, in the order `OPENPOSE_135`.

    Raises:
        InputError: the file is broken, or a part has another number of joints.
    """
    content = read_json(path)
    try:
        people = [person_points(person) for person in content["people"]]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not OpenPose's JSON ({type(error).__name__}: {error}). Expected people "
            f"with {', '.join(PARTS)}; body as BODY_25."
        ) from error
    return np.asarray(people, np.float64).reshape(-1, len(OPENPOSE_135), 3)


def person_points(person: Mapping[str, Any]) -> NDArray[np.float64]:
    """(135, 3) of one person; a part that was not looked for is zeros.

    Raises:
        ValueError: a part has another number of values.
    """
    parts = []
    for key, (count, joints) in PARTS.items():
        values = np.asarray(person.get(key) or [0.0] * (3 * count), np.float64)
        parts.append(values.reshape(count, 3)[: len(joints)])
    return np.concatenate(parts)
