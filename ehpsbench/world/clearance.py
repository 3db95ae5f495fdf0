"""Keeps hands out of the trunk and the thighs, by lifting the arm a little at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.world import anatomy

if TYPE_CHECKING:
    from ehpsbench.body.model import BodyModel

Floats = NDArray[np.float64]

__all__ = ["cleared", "hands_inside"]

# wrist, two knuckles and two end joints of either hand
_HAND = np.array([[20, 25, 31, 27, 30], [21, 40, 46, 42, 45]])
# joints at both ends and the flesh around the line between them [m]
_FLESH = (
    (0, 9, 0.125),
    (9, 12, 0.105),
    (1, 4, 0.08),
    (2, 5, 0.08),
)
_SKIN = 0.015  # m, from a joint of the hand to its own surface
_STEPS = 6
_LIFT = {"lower": -7.0, "swing": 4.0, "elbow": -3.0}  # deg a step


def hands_inside(joints: Floats) -> NDArray[np.bool_]:
    """(N, 2) whether the left and the right hand enter the trunk or a thigh.

    Args:
        joints: (N, 55, 3) in the order of SMPL-X [m].
    """
    points = joints[:, _HAND]
    inside = np.zeros(points.shape[:2], bool)
    for start, end, radius in _FLESH:
        origin = joints[:, start, None, None]
        along = joints[:, end, None, None] - origin
        share = ((points - origin) * along).sum(-1) / (along**2).sum(-1)
        nearest = origin + np.clip(share, 0, 1)[..., None] * along
        gap = np.linalg.norm(points - nearest, axis=-1)
        inside |= (gap < radius + _SKIN).any(-1)
    return inside


def cleared(angles: Floats, betas: Floats, model: BodyModel) -> Floats:
    """Poses (N, A) [deg] whose hands touch the body at most; what is clear stays as it is.

    Args:
        angles: (N, A) in the order of `anatomy.ANGLES` [deg].
        betas: (N, 16) shapes.
        model: SMPL-X.
    """
    result = angles.copy()
    rows = np.arange(len(angles))
    for _ in range(_STEPS):
        joints = _joints(result[rows], betas[rows], model)
        touching = hands_inside(joints)
        bad = touching.any(1)
        rows, touching, joints = rows[bad], touching[bad], joints[bad]
        if not len(rows):
            break
        for side, name in enumerate(("left", "right")):
            ahead = joints[:, 20 + side, 2] > joints[:, 0, 2]
            for angle, step in _LIFT.items():
                place = anatomy.ANGLES.index(f"{name}_{angle}")
                sign = np.where(ahead, 1, -1) if angle == "swing" else 1
                result[rows, place] += step * sign * touching[:, side]
        result[rows] = anatomy.clipped(result[rows])
    return result


def _joints(angles: Floats, betas: Floats, model: BodyModel) -> Floats:
    from ehpsbench.body.forward import forward

    _, pose = anatomy.body_pose(angles)
    posed = forward(model, body_pose=pose, betas=betas[:, : model.num_betas], joints_only=True)
    return np.asarray(posed.joints.numpy(), np.float64)
