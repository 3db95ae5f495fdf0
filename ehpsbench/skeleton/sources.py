"""Where each joint of a source's own order lies among the 190 of HUMAN_DATA."""

from __future__ import annotations

from ehpsbench.skeleton.human_data import INDEX, NAMES, OPENPOSE_25

Map = tuple[int, ...]


def _of(names: str) -> Map:
    return tuple(INDEX[name] for name in names.split())


def _hand(side: str) -> Map:
    """Wrist, then thumb, index, middle, ring, pinky, each from its base to its tip."""
    fingers = ("thumb", "index", "middle", "ring", "pinky")
    joints = [f"{side}_{f}{part}" for f in fingers for part in ("_1", "_2", "_3", "")]
    return tuple(INDEX[name] for name in (f"{side}_wrist", *joints))


SMPLX_144: Map = tuple(range(144))
SMPLX_127: Map = tuple(range(127))  # without the face contour, as AGORA and BEDLAM have it
SMPL_24: Map = (*range(22), INDEX["left_hand"], INDEX["right_hand"])
COCO_17: Map = _of(
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle "
    "right_ankle"
)
COCO_FEET_6: Map = _of("left_bigtoe left_smalltoe left_heel right_bigtoe right_smalltoe right_heel")
FACE_68: Map = tuple(INDEX[f"face_{i}"] for i in range(68))
LEFT_HAND_21: Map = _hand("left")
RIGHT_HAND_21: Map = _hand("right")
OPENPOSE_BODY_25: Map = tuple(INDEX[f"{name}_openpose"] for name in OPENPOSE_25)
OPENPOSE_18: Map = _of(  # 3DPW's 2D poses
    "nose neck_openpose right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist "
    "right_hip right_knee right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear "
    "left_ear"
)
LSP_14_OF_SMPL: Map = (1, 2, 4, 5, 7, 8, 12, 15, 16, 17, 18, 19, 20, 21)

EXTRA_START = 144
ALL = len(NAMES)
