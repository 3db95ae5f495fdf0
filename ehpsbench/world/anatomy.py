"""Anatomical angles (lower the arm, flex the knee, …) → SMPL body pose, left and right alike.

A pose is a vector of `ANGLES`: the same number means the same movement on either side. Signs
follow SMPL: a hip flexes about −x, a knee about +x, a left elbow about −y; a left shoulder is
lowered about −z.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ehpsbench import geometry

Floats = NDArray[np.float64]

__all__ = ["ANGLES", "LEG_ANGLES", "LIMITS", "SPREAD", "body_pose", "clipped", "index", "mirrored"]

# name: (least, most, ordinary standard deviation) [deg]; 0 is the T-pose
_TRUNK = {
    "lean": (-40, 80, 2.5),  # whole body forward
    "tip": (-30, 30, 2),  # whole body to its right
    "bend": (-25, 80, 6),  # spine forward
    "side": (-35, 35, 5),  # spine to the right
    "turn": (-45, 45, 8),  # spine to the left
    "nod": (-35, 45, 9),  # head down
    "tilt": (-30, 30, 5),
    "look": (-65, 65, 14),  # head to the left
}
_ARM = {
    "lower": (-85, 82, 9),
    "forward": (-35, 100, 9),  # level arm to the front
    "swing": (-45, 165, 11),  # after that, arm forward and up
    "twist": (-75, 90, 12),  # inward
    "elbow": (0, 145, 15),
    "pronate": (-80, 80, 18),
    "wrist": (-60, 65, 12),  # toward the palm
    "deviate": (-20, 25, 6),  # toward the little finger
}
_LEG = {
    "flex": (-25, 125, 7),
    "abduct": (-15, 50, 4),
    "out": (-30, 45, 6),  # toes outward
    "knee": (0, 145, 8),
    "ankle": (-45, 30, 5),  # toes up
    "invert": (-15, 20, 3),
}
_SIDES = ("left", "right")
_TABLE = {
    **_TRUNK,
    **{f"{side}_{name}": row for side in _SIDES for name, row in _ARM.items()},
    **{f"{side}_{name}": row for side in _SIDES for name, row in _LEG.items()},
}
LEG_ANGLES: tuple[str, ...] = tuple(_LEG)
ANGLES: tuple[str, ...] = tuple(_TABLE)
LIMITS: Floats = np.array([row[:2] for row in _TABLE.values()], np.float64)
SPREAD: Floats = np.array([row[2] for row in _TABLE.values()], np.float64)

_PLACE = {name: place for place, name in enumerate(ANGLES)}
_TO_MIRROR = np.array(
    [
        _PLACE[name.replace("left", "right") if "left" in name else name.replace("right", "left")]
        for name in ANGLES
    ]
)
_MIRROR_SIGN = np.array(
    [-1.0 if name in ("tip", "side", "turn", "tilt", "look") else 1.0 for name in ANGLES]
)
# M·R·M with M = diag(−1, 1, 1)
_MIRROR_MATRIX = np.array([[1, -1, -1], [-1, 1, 1], [-1, 1, 1]], np.float64)


def index(names: Iterable[str]) -> NDArray[np.intp]:
    """Places of the named angles in a pose vector."""
    return np.array([_PLACE[name] for name in names], np.intp)


def clipped(angles: Floats) -> Floats:
    """(..., A) angles [deg] brought inside `LIMITS`."""
    return np.clip(angles, LIMITS[:, 0], LIMITS[:, 1])


def mirrored(angles: Floats) -> Floats:
    """(..., A) angles of the pose as a mirror shows it."""
    return np.asarray(angles[..., _TO_MIRROR] * _MIRROR_SIGN)


def body_pose(angles: Floats) -> tuple[Floats, Floats]:
    """Poses → SMPL parameters.

    Args:
        angles: (N, A) in the order of `ANGLES` [deg].

    Returns:
        Root orientation (N, 3) for a body that stands with y up and looks along +z, and
        `body_pose` (N, 63), both axis-angle [rad].
    """
    radians = np.radians(angles)
    value = {name: radians[:, place] for name, place in _PLACE.items()}
    rotations = np.broadcast_to(np.eye(3), (len(radians), 22, 3, 3)).copy()
    rotations[:, 0] = _x(value["lean"]) @ _z(value["tip"])
    for joint, share in ((3, 0.4), (6, 0.3), (9, 0.3)):
        rotations[:, joint] = _bent(value["turn"], value["bend"], value["side"], share)
    for joint, share in ((12, 0.45), (15, 0.55)):
        rotations[:, joint] = _bent(value["look"], value["nod"], value["tilt"], share)
    for offset, side in enumerate(_SIDES):
        limb = {name: value[f"{side}_{name}"] for name in (*_ARM, *_LEG)}
        joints = [1 + offset, 4 + offset, 7 + offset, *(place + offset for place in range(13, 14))]
        joints += [16 + offset, 18 + offset, 20 + offset]
        parts = np.stack([*_leg(limb), *_arm(limb)], 1)
        rotations[:, joints] = parts * _MIRROR_MATRIX if side == "right" else parts
    vectors = geometry.axis_angle(rotations)
    return vectors[:, 0], vectors[:, 1:].reshape(-1, 63)


def _bent(turn: Floats, bend: Floats, side: Floats, share: float) -> Floats:
    return np.asarray(_y(share * turn) @ _x(share * bend) @ _z(share * side))


def _leg(angle: dict[str, Floats]) -> tuple[Floats, Floats, Floats]:
    """Left hip, knee and ankle."""
    hip = _x(-angle["flex"]) @ _z(angle["abduct"]) @ _y(angle["out"])
    return hip, _x(angle["knee"]), _x(-angle["ankle"]) @ _z(angle["invert"])


def _arm(angle: dict[str, Floats]) -> tuple[Floats, Floats, Floats, Floats]:
    """Left collar, shoulder, elbow and wrist."""
    # the collarbone takes its share: an eighth on the way down, a quarter on the way up
    lower, swing = angle["lower"], angle["swing"]
    collar = np.where(lower > 0, 0.12, 0.25) * lower - 0.12 * np.maximum(swing, 0)
    reach = 0.1 * angle["forward"]
    shoulder = (
        _x(-swing)
        @ _y(reach - angle["forward"])
        @ _z(np.where(lower > 0, 0.12, 0.25) * lower - lower)
        @ _x(angle["twist"])
    )
    elbow = _y(-angle["elbow"]) @ _x(angle["pronate"])
    return (
        _y(-reach) @ _z(-collar),
        shoulder,
        elbow,
        _y(angle["deviate"]) @ _z(-angle["wrist"]),
    )


_x, _y, _z = geometry.rotate_x, geometry.rotate_y, geometry.rotate_z
