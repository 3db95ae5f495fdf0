"""Hand poses: named gestures as finger angles, varied by the body's own hand components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ehpsbench import geometry

Floats = NDArray[np.float64]

__all__ = ["GESTURES", "gesture", "sampled"]

# base, middle and end joint [deg] in the order index, middle, little, ring finger (as SMPL-X has
# them), then the thumb: opposition, base curl, middle curl, end curl; last: how far fingers part
_OPEN, _EASY, _SHUT = (0, 0, 0), (18, 24, 14), (78, 92, 58)
GESTURES: Mapping[str, Sequence[Sequence[float]]] = {
    "flat": (_OPEN, _OPEN, _OPEN, _OPEN, (0, 0, 0, 0), (0,)),
    "relaxed": (_EASY, (22, 28, 16), (28, 32, 18), (25, 30, 17), (14, 4, 8, 12), (2,)),
    "spread": (_OPEN, _OPEN, _OPEN, _OPEN, (-8, -16, -4, 0), (15,)),
    "fist": (_SHUT, _SHUT, _SHUT, _SHUT, (16, 34, 52, 64), (0,)),
    "point": (_OPEN, _SHUT, _SHUT, _SHUT, (22, 24, 40, 52), (0,)),
    "peace": (_OPEN, _OPEN, _SHUT, _SHUT, (24, 30, 44, 54), (10,)),
    "thumb_up": (_SHUT, _SHUT, _SHUT, _SHUT, (-14, -14, -8, -10), (0,)),
    "pinch": ((46, 48, 22), (30, 36, 18), (24, 30, 16), (26, 32, 17), (34, 26, 24, 30), (3,)),
    "ok": ((50, 56, 26), (14, 14, 8), (4, 6, 4), (8, 10, 6), (34, 28, 26, 32), (9,)),
    "grip": ((48, 58, 30), (52, 60, 32), (58, 62, 34), (55, 61, 33), (36, 4, 12, 18), (2,)),
}
_PARTING = (1.0, 0.2, -1.0, -0.45)
_SLANT = np.radians([6.0, 0.0, -20.0, -10.0])  # of the flat fingers, toward the thumb
# a left thumb points outward and forward: opposing turns it under the palm
_OPPOSE, _CURL = np.array([0.70, 0.00, -0.70]), np.array([0.58, 0.81, -0.08])


def gesture(name: str) -> Floats:
    """The left hand of a named gesture, (45,) absolute axis-angle [rad]; zero is flat."""
    return _gesture(name).copy()


@cache
def _gesture(name: str) -> Floats:
    *fingers, thumb, (parting,) = GESTURES[name]
    joints = np.zeros((15, 3))
    for finger, flexions in enumerate(fingers):
        for place, flexion in enumerate(flexions):
            part = -parting * _PARTING[finger] if place == 0 else 0.0
            bend = -np.radians(flexion) * (geometry.rotate_y(-_SLANT[finger])[:, 2])
            turn = geometry.rotate_y(np.radians(part))
            joints[3 * finger + place] = geometry.compose(turn, bend)
    opposition, *curls = np.radians(np.asarray(thumb, np.float64))
    joints[12] = opposition * _OPPOSE + curls[0] * _CURL
    joints[13], joints[14] = curls[1] * _CURL, curls[2] * _CURL
    return joints.reshape(45)


def sampled(
    names: Sequence[str],
    components: Floats,
    count: int,
    rng: np.random.Generator,
    scale: float = 1.0,
) -> Floats:
    """Random left hands, (N, 45) absolute axis-angle [rad]; `mirrored` makes right ones.

    Each is on its way from one gesture to another, plus noise along the hand components.

    Args:
        names: gestures to choose from.
        components: (C, 45) of the left hand.
        count: N.
        rng: where the randomness comes from.
        scale: 0 gives the gestures themselves.
    """
    table = np.stack([gesture(name) for name in names])
    pair = rng.integers(len(table), size=(count, 2))
    share = 0.45 * scale * rng.random((count, 1))
    noise = rng.standard_normal((count, 6)) * np.array([0.22, 0.16, 0.12, 0.1, 0.08, 0.07])
    poses = table[pair[:, 0]] * (1 - share) + table[pair[:, 1]] * share
    return np.asarray(poses + scale * noise @ components[:6])


def mirrored(poses: Floats) -> Floats:
    """(..., 45) poses of one hand for the other."""
    return np.asarray(poses * np.tile([1.0, -1.0, -1.0], 15))
