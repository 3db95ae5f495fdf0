"""Pose families: small tables of key poses, and random poses between and around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ehpsbench.world import anatomy

Floats = NDArray[np.float64]

__all__ = ["FAMILIES", "key_poses", "sampled"]

_LEGS = tuple(
    place for place, name in enumerate(anatomy.ANGLES) if name.split("_")[-1] in anatomy.LEG_ANGLES
)


def _key(**angles: float) -> Floats:
    """A pose from its angles [deg]; a name without a side means both sides.

    Feet that are not named stay level with the ground.
    """
    pose = dict.fromkeys(anatomy.ANGLES, 0.0)
    named = set()
    for name, angle in sorted(angles.items(), key=lambda item: "_" in item[0]):
        places = [name] if name in pose else [f"left_{name}", f"right_{name}"]
        pose.update(dict.fromkeys(places, angle))
        named.update(places)
    for side in ("left", "right"):
        if f"{side}_ankle" not in named:
            level = pose[f"{side}_knee"] - pose[f"{side}_flex"] + pose["lean"]
            pose[f"{side}_ankle"] = level
    return anatomy.clipped(np.array(list(pose.values())))


_HANG = {"lower": 74, "swing": 4, "elbow": 16, "twist": 8, "abduct": 4, "out": 8, "knee": 4}
_SEAT = {"flex": 84, "knee": 84, "abduct": 10, "out": 6, "lower": 68}

FAMILIES: Mapping[str, Sequence[Floats]] = {
    "standing": (
        _key(**_HANG),
        _key(**_HANG | {"left_flex": 12, "left_knee": 22, "side": 5, "tip": 3, "look": 15}),
        _key(**_HANG | {"lower": 46, "swing": -18, "twist": 62, "elbow": 88, "wrist": 20}),
        _key(**_HANG | {"lower": 66, "swing": 26, "twist": 58, "elbow": 98, "right_elbow": 106}),
        _key(**_HANG | {"left_lower": 60, "left_swing": 55, "left_elbow": 118, "left_twist": 30}),
        _key(**_HANG | {"lower": 70, "swing": -22, "twist": 28, "elbow": 34, "nod": 10}),
    ),
    "walking": (
        _key(
            **_HANG
            | {"left_flex": 26, "left_knee": 8, "right_flex": -14, "right_knee": 18}
            | {"left_swing": -16, "right_swing": 26, "elbow": 24, "turn": -6, "lean": 3}
            | {"right_ankle": -6}
        ),
        _key(
            **_HANG
            | {"left_flex": 4, "left_knee": 8, "right_flex": 18, "right_knee": 52}
            | {"left_swing": 6, "right_swing": 2, "elbow": 22, "lean": 3, "right_ankle": -5}
        ),
        _key(
            **_HANG
            | {"left_flex": 36, "left_knee": 46, "right_flex": -14, "right_knee": 28}
            | {"left_swing": -26, "right_swing": 34, "elbow": 64, "lean": 7, "turn": -9}
            | {"right_ankle": -20, "lower": 70}
        ),
    ),
    "sitting": (
        _key(**_SEAT | {"swing": 22, "elbow": 62, "twist": 36, "pronate": 20}),
        _key(**_SEAT | {"swing": 8, "elbow": 42, "twist": 18, "lean": -10, "knee": 74}),
        _key(
            **_SEAT
            | {"lean": 16, "bend": 22, "nod": -8, "flex": 96, "swing": 42, "elbow": 66}
            | {"twist": 34, "lower": 70}
        ),
        _key(
            **_SEAT
            | {"left_flex": 100, "left_abduct": -6, "left_out": -10, "left_knee": 74}
            | {"swing": 24, "elbow": 74, "twist": 46, "left_ankle": -10}
        ),
        _key(**_SEAT | {"swing": 46, "elbow": 58, "twist": 26, "bend": 8, "pronate": 40}),
    ),
    "sports": (
        _key(lower=-55, elbow=28, flex=14, knee=26, abduct=14, out=10, nod=-12),
        _key(
            left_flex=88, left_knee=92, right_flex=-16, right_knee=24, right_ankle=-20, lower=66,
            left_swing=-30, right_swing=60, elbow=86, lean=16, turn=-14,
        ),
        _key(
            left_flex=62, left_knee=74, right_flex=-20, right_knee=26, right_ankle=-26, abduct=10,
            left_lower=10, left_forward=40, right_lower=-40, right_elbow=86, right_twist=-40,
            right_forward=10, turn=20, lean=10,
        ),
        _key(
            right_flex=78, right_knee=14, left_flex=4, left_knee=14, lean=-12, right_ankle=-20,
            left_lower=16, left_forward=34, right_lower=34, right_swing=-20, elbow=30, turn=12,
        ),
        _key(
            flex=58, knee=72, lean=30, bend=18, nod=-24, abduct=20, out=22, lower=58, swing=56,
            elbow=52, twist=24,
        ),
        _key(
            lower=20, forward=74, left_elbow=104, right_elbow=26, turn=22, left_flex=30,
            left_knee=32, right_flex=-12, right_knee=20, abduct=10, lean=8, right_ankle=-5,
        ),
        _key(lower=0, abduct=32, out=22, side=22, left_lower=-58, right_lower=62, elbow=8),
    ),
    "talking": (
        _key(**_HANG | {"lower": 66, "swing": 24, "elbow": 78, "twist": 14, "pronate": -40}),
        _key(
            **_HANG
            | {"left_lower": 62, "left_swing": 36, "left_elbow": 96, "left_twist": -6}
            | {"left_pronate": -30, "look": 14, "turn": 6}
        ),
        _key(**_HANG | {"lower": 58, "swing": 34, "elbow": 88, "twist": -14, "pronate": -20}),
        _key(**_HANG | {"lower": 66, "swing": 34, "elbow": 104, "twist": 42, "nod": 6}),
        _key(
            **_HANG
            | {"right_lower": 50, "right_swing": 52, "right_elbow": 112, "right_twist": -8}
            | {"tilt": 8, "look": -12, "left_swing": 14, "left_elbow": 66, "left_twist": 30}
        ),
    ),
    "hands_busy": (
        _key(**_HANG | {"lower": 66, "swing": 34, "elbow": 88, "twist": 34, "nod": 22, "bend": 8}),
        _key(
            **_HANG
            | {"lower": 64, "swing": 48, "left_elbow": 92, "right_elbow": 76, "twist": 24}
            | {"nod": 24, "pronate": 30, "wrist": 12}
        ),
        _key(
            **_HANG
            | {"left_swing": 34, "left_elbow": 92, "left_twist": 40, "left_pronate": -50}
            | {"right_swing": 42, "right_elbow": 98, "right_twist": 36, "right_pronate": 40}
            | {"lower": 66, "nod": 26}
        ),
        _key(
            **_HANG
            | {"right_lower": 40, "right_swing": 66, "right_elbow": 52, "right_twist": 4}
            | {"left_swing": 30, "left_elbow": 74, "left_twist": 30, "bend": 12, "nod": 4}
        ),
        _key(**_HANG | {"lower": 70, "swing": 88, "elbow": 58, "twist": 34, "nod": -10}),
    ),
    "crouching": (
        _key(
            flex=104, knee=126, lean=14, bend=24, abduct=18, out=16, lower=70, swing=66, elbow=52,
            twist=28, nod=-14,
        ),
        _key(
            left_flex=88, left_knee=92, right_flex=4, right_knee=102, right_ankle=-38, lean=6,
            bend=14, lower=68, swing=36, elbow=66, twist=30,
        ),
        _key(
            flex=74, knee=78, lean=34, bend=30, nod=-10, lower=74, swing=74, elbow=14, abduct=12,
            out=10,
        ),
        _key(flex=62, knee=14, lean=44, bend=36, nod=4, lower=76, swing=86, elbow=14, abduct=8),
    ),
}  # fmt: skip


def key_poses(family: str) -> Floats:
    """The key poses of one family, (K, A) in the order of `anatomy.ANGLES` [deg]."""
    return np.stack(FAMILIES[family])


def sampled(
    weights: Mapping[str, float], count: int, rng: np.random.Generator, scale: float = 1.0
) -> tuple[list[str], Floats]:
    """Random poses.

    Each lies between two key poses of a family, for the legs apart from the rest, is mirrored
    half of the time, and varies by the ordinary spread of every angle times `scale`.

    Args:
        weights: pose family → weight.
        count: N.
        rng: where the randomness comes from.
        scale: 0 gives poses between key poses only.

    Returns:
        The family of each, and (N, A) angles [deg].
    """
    names = list(weights)
    shares = np.array([weights[name] for name in names], np.float64)
    chosen = rng.choice(len(names), count, p=shares / shares.sum())
    uniform = rng.random((count, 5))
    noise = rng.standard_normal((count, len(anatomy.ANGLES)))
    mirror = rng.random(count) < 0.5
    angles = np.empty_like(noise)
    for place, name in enumerate(names):
        rows = np.flatnonzero(chosen == place)
        angles[rows] = _between(key_poses(name), uniform[rows])
    angles += np.clip(noise, -2.5, 2.5) * anatomy.SPREAD * scale
    angles = anatomy.clipped(angles)
    angles[mirror] = anatomy.mirrored(angles[mirror])
    return [names[place] for place in chosen], angles


def _between(keys: Floats, uniform: Floats) -> Floats:
    """A main key pose for the legs, drawn partly to another for the trunk and the arms."""
    first, second = (uniform[:, :2] * len(keys)).astype(int).T
    share = 0.6 * uniform[:, 2:3]
    pose = keys[first] * (1 - share) + keys[second] * share
    legs = keys[first] * (1 - 0.3 * uniform[:, 3:4]) + keys[second] * 0.3 * uniform[:, 3:4]
    pose[:, _LEGS] = legs[:, _LEGS]
    return np.asarray(pose)
