"""The 190 joint names of HUMAN_DATA: 144 of SMPL-X with face contour, then 46 others.

The first 144 are in the order of the SMPL-X joints, so `keypoints2d` is the first part and
`keypoints2d_extra` the second.
Source: mmhuman3d, core/conventions/keypoints_mapping/human_data.py.
"""

from __future__ import annotations

_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_TIPS = ("thumb", "index", "middle", "ring", "pinky")

_BODY = (
    "pelvis left_hip right_hip spine_1 left_knee right_knee spine_2 left_ankle right_ankle spine_3 "
    "left_foot right_foot neck left_collar right_collar head left_shoulder right_shoulder "
    "left_elbow right_elbow left_wrist right_wrist jaw left_eyeball right_eyeball"
).split()
_HANDS = [
    f"{side}_{finger}_{joint}"
    for side in ("left", "right")
    for finger in _FINGERS
    for joint in (1, 2, 3)
]
_LANDMARKS = (
    "nose right_eye left_eye right_ear left_ear left_bigtoe left_smalltoe left_heel right_bigtoe "
    "right_smalltoe right_heel"
).split()
_TIP_NAMES = [f"{side}_{finger}" for side in ("left", "right") for finger in _TIPS]
_FACE = [f"face_{i}" for i in range(17, 68)]  # numbered as in the 68-point iBUG scheme
_CONTOUR = [f"face_{i}" for i in range(17)]
_REGRESSED = [f"{name}_extra" for name in "right_hip left_hip neck".split()] + [
    "headtop",
    *(f"{name}_extra" for name in "pelvis thorax spine jaw head".split()),
]
OPENPOSE_25 = (
    "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist pelvis "
    "right_hip right_knee right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear "
    "left_ear left_bigtoe left_smalltoe left_heel right_bigtoe right_smalltoe right_heel"
).split()
_OTHERS = (
    "spine_4_3dhp left_clavicle_3dhp right_clavicle_3dhp left_hand_3dhp right_hand_3dhp "
    "left_toe_3dhp right_toe_3dhp head_h36m headtop_h36m head_bottom_pt left_hand right_hand"
).split()

NAMES: tuple[str, ...] = (
    *_BODY,
    *_HANDS,
    *_LANDMARKS,
    *_TIP_NAMES,
    *_FACE,
    *_CONTOUR,
    *_REGRESSED,
    *(f"{name}_openpose" for name in OPENPOSE_25),
    *_OTHERS,
)
INDEX: dict[str, int] = {name: i for i, name in enumerate(NAMES)}
