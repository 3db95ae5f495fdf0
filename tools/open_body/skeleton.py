"""The 55 joints of SMPL-X and which of MakeHuman's 163 bones each one stands for."""

from __future__ import annotations

import numpy as np

from open_body.source import Array

BODY = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar",
    "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist",
    "right_wrist", "jaw", "left_eye", "right_eye",
)  # fmt: skip
FINGERS = ("index", "middle", "pinky", "ring", "thumb")
NAMES = BODY + tuple(
    f"{side}_{finger}{knuckle}"
    for side in ("left", "right")
    for finger in FINGERS
    for knuckle in (1, 2, 3)
)
_BODY_PARENTS = [
    -1,
    0,
    0,
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    9,
    9,
    12,
    13,
    14,
    16,
    17,
    18,
    19,
    15,
    15,
    15,
]
PARENTS = np.array(
    _BODY_PARENTS
    + [wrist if knuckle == 0 else base + 3 * finger + knuckle - 1
       for wrist, base in ((20, 25), (21, 40)) for finger in range(5) for knuckle in range(3)]
)  # fmt: skip
_FINGER_NUMBER = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}
_HEADS = {
    "pelvis": "spine04", "spine1": "spine03", "spine2": "spine02", "spine3": "spine01",
    "neck": "neck01", "head": "head", "jaw": "jaw", "eye": "eye", "collar": "clavicle",
    "shoulder": "upperarm01", "elbow": "lowerarm01", "wrist": "wrist", "hip": "upperleg01",
    "knee": "lowerleg01", "ankle": "foot",
}  # fmt: skip
_TOES = tuple(f"toe{toe}-1" for toe in range(1, 6))
# Bones above the pelvis bone in MakeHuman's tree that move with the pelvis in SMPL-X's.
_WITH_PELVIS = ("root", "spine05", "pelvis.L", "pelvis.R")


def bones_of(joint: str) -> tuple[str, ...]:
    """The MakeHuman bones whose heads, averaged, are the joint.

    >>> bones_of("left_thumb2"), bones_of("spine1")
    (('finger1-2.L',), ('spine03',))
    """
    side, _, part = joint.rpartition("_")
    ending = {"left": ".L", "right": ".R", "": ""}[side]
    if part == "foot":
        return tuple(toe + ending for toe in _TOES)
    if part[:-1] in _FINGER_NUMBER:
        return (f"finger{_FINGER_NUMBER[part[:-1]]}-{part[-1]}{ending}",)
    return (_HEADS[part] + ending,)


def joint_of_bones(bones: list[str], parents: Array) -> Array:
    """(B,) the joint that each bone moves with: its own, or its nearest mapped ancestor's."""
    own = {bone: index for index, name in enumerate(NAMES) for bone in bones_of(name)}
    own |= dict.fromkeys(_WITH_PELVIS, 0)
    joints = np.full(len(bones), -1)
    for bone, name in enumerate(bones):
        joints[bone] = own.get(name, joints[parents[bone]])
    return joints


def merged_weights(weights: Array, joints: Array) -> Array:
    """(V,55) skinning weights from (V,B) weights of the bones."""
    merged = np.zeros((len(weights), len(NAMES)))
    np.add.at(merged.T, joints, weights.T)
    merged /= merged.sum(axis=1, keepdims=True)
    return merged
