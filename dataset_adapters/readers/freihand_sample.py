"""FreiHAND's 21 points of the right hands of a miniature release."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["freihand_points"]

Floats = NDArray[np.float64]

# MANO's 16 joints in FreiHAND's order, without the five tips that are vertices
MANO_JOINTS = (0, 13, 14, 15, 1, 2, 3, 4, 5, 6, 10, 11, 12, 7, 8, 9)
PLACES = tuple(i for i in range(21) if i not in (4, 8, 12, 16, 20))
TIPS = (4, 8, 12, 16, 20)  # thumb, index, middle, ring, pinky


def freihand_points(joints: Floats, meshes: Floats, bodies: BodySet) -> Floats:
    """(N, 21, 3) wrist, then thumb to pinky from base to tip.

    Args:
        joints: (N, 16, 3) of MANO.
        meshes: (N, V, 3) of the same hands.
        bodies: the open body, which knows the vertices of the tips.
    """
    points = np.empty((len(joints), 21, 3))
    points[:, PLACES] = joints[:, MANO_JOINTS]
    points[:, TIPS] = meshes[:, bodies.vertex_ids("right_hand_mano_tips")]
    return points
