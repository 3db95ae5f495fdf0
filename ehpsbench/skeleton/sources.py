"""Where each joint of a source's own order lies among the 190 of HUMAN_DATA."""

from __future__ import annotations

from ehpsbench.skeleton.human_data import INDEX, NAMES, OPENPOSE_25

Map = tuple[int, ...]


def named(names: str) -> Map:
    """The map of joints given by their HUMAN_DATA names, separated by spaces."""
    return tuple(INDEX[name] for name in names.split())


def _hand(side: str) -> Map:
    """Wrist, then thumb, index, middle, ring, pinky, each from its base to its tip."""
    fingers = ("thumb", "index", "middle", "ring", "pinky")
    joints = [f"{side}_{f}{part}" for f in fingers for part in ("_1", "_2", "_3", "")]
    return tuple(INDEX[name] for name in (f"{side}_wrist", *joints))


SMPLX_144: Map = tuple(range(144))
SMPLX_127: Map = tuple(range(127))  # without the face contour, as AGORA and BEDLAM have it
SMPL_24: Map = (*range(22), INDEX["left_hand"], INDEX["right_hand"])
COCO_17: Map = named(
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle "
    "right_ankle"
)
COCO_FEET_6: Map = named(
    "left_bigtoe left_smalltoe left_heel right_bigtoe right_smalltoe right_heel"
)
FACE_68: Map = tuple(INDEX[f"face_{i}"] for i in range(68))
LEFT_HAND_21: Map = _hand("left")
RIGHT_HAND_21: Map = _hand("right")
OPENPOSE_BODY_25: Map = tuple(INDEX[f"{name}_openpose"] for name in OPENPOSE_25)
OPENPOSE_18: Map = named(  # 3DPW's 2D poses
    "nose neck_openpose right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist "
    "right_hip right_knee right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear "
    "left_ear"
)
LSP_14_OF_SMPL: Map = (1, 2, 4, 5, 7, 8, 12, 15, 16, 17, 18, 19, 20, 21)

LSP_14: Map = named(  # hips as labelled on the image, not the joints of SMPL
    "right_ankle right_knee right_hip_extra left_hip_extra left_knee left_ankle right_wrist "
    "right_elbow right_shoulder left_shoulder left_elbow left_wrist neck_extra headtop"
)
SPIN_24: Map = (
    *LSP_14,
    *named("pelvis_extra thorax_extra spine_extra jaw_extra head_extra"),
    *named("nose left_eye right_eye left_ear right_ear"),
)
EFT_49: Map = (*OPENPOSE_BODY_25, *SPIN_24)
MPII_16: Map = named(
    "right_ankle right_knee right_hip_extra left_hip_extra left_knee left_ankle pelvis_extra "
    "thorax_extra neck_extra headtop right_wrist right_elbow right_shoulder left_shoulder "
    "left_elbow left_wrist"
)
CROWDPOSE_14: Map = named(
    "left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_hip_extra "
    "right_hip_extra left_knee right_knee left_ankle right_ankle headtop neck_extra"
)
POSETRACK_17: Map = named(
    "nose head_bottom_pt headtop left_ear right_ear left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_hip_extra right_hip_extra left_knee right_knee "
    "left_ankle right_ankle"
)
OCHUMAN_19: Map = named(
    "right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist right_hip_extra "
    "right_knee right_ankle left_hip_extra left_knee left_ankle headtop neck_extra right_ear "
    "left_ear nose right_eye left_eye"
)
H36M_17: Map = named(
    "pelvis_extra right_hip_extra right_knee right_ankle left_hip_extra left_knee left_ankle "
    "spine_extra neck_extra head_h36m headtop_h36m left_shoulder left_elbow left_wrist "
    "right_shoulder right_elbow right_wrist"
)
# InterHand2.6M and BlurHand: right hand first; of each finger the tip first, the wrist last
INTERHAND_42: Map = tuple(
    hand[place]
    for hand in (RIGHT_HAND_21, LEFT_HAND_21)
    for place in (4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17, 0)
)

EXTRA_START = 144
ALL = len(NAMES)
