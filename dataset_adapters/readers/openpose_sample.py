"""Writes OpenPose's JSON for somebody of a miniature release."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.readers.openpose import OPENPOSE_135, PARTS
from ehpsbench.skeleton.human_data import INDEX, NAMES

__all__ = ["openpose_keypoints", "openpose_person"]

# OpenPose's own names of joints that the body has under the plain name
PLAIN = [INDEX.get(NAMES[place].removesuffix("_openpose"), place) for place in OPENPOSE_135]


def openpose_keypoints(clip: Clip, actor: int = 0, view: int = 0) -> NDArray[np.float64]:
    """(F, 135, 3) what OpenPose would find in the order of `OPENPOSE_135`."""
    return clip.keypoints(tuple(PLAIN), actor, view)


def openpose_person(points: NDArray[np.float64]) -> dict[str, Any]:
    """An entry of `people` from (135, 3)."""
    entry: dict[str, Any] = {"person_id": [-1]}
    start = 0
    for key, (count, joints) in PARTS.items():
        part = np.zeros((count, 3))
        part[: len(joints)] = points[start : start + len(joints)]
        start += len(joints)
        entry[key] = part.ravel().tolist()
    return entry
