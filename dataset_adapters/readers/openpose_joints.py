"""OpenPose's points: the SMPL-X joints of the same names, and what a mirror makes of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.dataset_adapters.readers.openpose import OPENPOSE_135
from ehpsbench.skeleton.human_data import INDEX, NAMES
from ehpsbench.skeleton.sources import OPENPOSE_BODY_25, Map

__all__ = ["SAME_JOINT", "mirrored"]

# of each of the 25, the SMPL-X joint of the same name; those that have none lie past all of them
SAME_JOINT: Map = tuple(
    INDEX.get(NAMES[place].removesuffix("_openpose"), len(NAMES)) for place in OPENPOSE_BODY_25
)


def mirrored(points: ArrayLike, width: float) -> NDArray[np.float64]:
    """(..., 135, 3) points found in an image → those of its mirror image, whose left is right."""
    values = np.array(points, np.float64)[..., _ORDER, :]
    values[..., 0] = np.where(values[..., 2] > 0, width - values[..., 0], values[..., 0])
    return values


def _twin(name: str) -> str:
    """The name of the same point on the other side of the body."""
    if name.startswith("face_"):
        return f"face_{_face_twin(int(name.removeprefix('face_')))}"
    for one, other in (("left_", "right_"), ("right_", "left_")):
        if name.startswith(one):
            return other + name.removeprefix(one)
    return name


def _face_twin(point: int) -> int:
    """The same of the 68 points of iBUG: jaw, brows, nose, eyes, mouth."""
    sums = (  # of a point and its twin: first and last point, sum
        (0, 16, 16),
        (17, 26, 43),
        (31, 35, 66),
        (36, 39, 81),
        (40, 41, 87),
        (42, 45, 81),
        (46, 47, 87),
        (48, 54, 102),
        (55, 59, 114),
        (60, 64, 124),
        (65, 67, 132),
    )
    return next((both - point for low, high, both in sums if low <= point <= high), point)


_ORDER = np.array([OPENPOSE_135.index(INDEX[_twin(NAMES[i])]) for i in OPENPOSE_135])
