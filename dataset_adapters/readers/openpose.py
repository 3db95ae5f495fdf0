"""OpenPose's JSON of an image: people with body, hand and face keypoints as x, y, confidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.errors import InputError
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.skeleton.sources import (
    FACE_68,
    LEFT_HAND_21,
    OPENPOSE_BODY_25,
    RIGHT_HAND_21,
    Map,
)

__all__ = ["OPENPOSE_135", "OPENPOSE_137", "PARTS", "person_points", "read_openpose"]

PARTS = {  # key → joints in the file, and where those lie that have a place
    "pose_keypoints_2d": (25, OPENPOSE_BODY_25),
    "hand_left_keypoints_2d": (21, LEFT_HAND_21),
    "hand_right_keypoints_2d": (21, RIGHT_HAND_21),
    "face_keypoints_2d": (70, FACE_68),  # the last two are the pupils
}
OPENPOSE_135: Map = tuple(place for _, joints in PARTS.values() for place in joints)
OPENPOSE_137: Map = (*OPENPOSE_135, INDEX["right_eyeball"], INDEX["left_eyeball"])


def read_openpose(path: Path, *, pupils: bool = False) -> NDArray[np.float64]:
    """(P, 135, 3) x, y [px], confidence of the people of an image, in the order `OPENPOSE_135`.

    Args:
        path: of the file.
        pupils: (P, 137, 3) in the order `OPENPOSE_137`.

    Raises:
        InputError: the file is broken, or a part has another number of joints.
    """
    content, joints = read_json(path), OPENPOSE_137 if pupils else OPENPOSE_135
    try:
        people = [person_points(person, pupils=pupils) for person in content["people"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not OpenPose's JSON ({type(error).__name__}: {error}). Expected people "
            f"with {', '.join(PARTS)}; body as BODY_25."
        ) from error
    return np.asarray(people, np.float64).reshape(-1, len(joints), 3)


def person_points(person: Mapping[str, Any], *, pupils: bool = False) -> NDArray[np.float64]:
    """(135, 3) of one person, or (137, 3); a part that was not looked for is zeros.

    Raises:
        ValueError: a part has another number of values.
    """
    flat: list[float] = []
    for key, (count, _) in PARTS.items():
        values = person.get(key) or [0.0] * (3 * count)
        nested = len(values) != 3 * count
        flat += np.reshape(values, 3 * count).tolist() if nested else values
    points = np.array(flat, np.float64).reshape(-1, 3)
    return points if pupils else points[: len(OPENPOSE_135)]
