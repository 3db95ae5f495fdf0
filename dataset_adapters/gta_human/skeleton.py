"""The joints that the game gives of everybody: 100, of which 50 have names elsewhere."""

from __future__ import annotations

from ehpsbench.skeleton.sources import Map, named

__all__ = ["COUNT", "JOINTS", "PLACES"]

COUNT = 100
_BODY = {
    1: "head", 2: "neck",
    4: "right_shoulder", 5: "right_elbow", 6: "right_wrist",
    8: "left_shoulder", 9: "left_elbow", 10: "left_wrist",
    11: "spine_2", 13: "spine_1", 14: "pelvis",
    16: "right_hip", 17: "right_knee", 18: "right_ankle",
    19: "left_hip", 20: "left_knee", 21: "left_ankle",
    24: "left_foot", 49: "right_foot", 54: "left_eye", 60: "right_eye", 99: "nose",
}  # fmt: skip
# the game's fingers 0 to 4 are thumb to pinky; the base of its thumb is no joint of SMPL-X
_FINGERS = {
    26: "left_thumb_2", 27: "left_thumb_3", 28: "left_ring_2", 29: "left_ring_3",
    30: "left_pinky_2", 31: "left_pinky_3", 32: "left_index_2", 33: "left_index_3",
    34: "left_middle_2", 35: "left_middle_3", 56: "left_index_1", 57: "left_middle_1",
    58: "left_ring_1", 59: "left_pinky_1",
    80: "right_index_1", 81: "right_middle_1", 82: "right_ring_1", 83: "right_pinky_1",
    87: "right_thumb_2", 88: "right_thumb_3", 89: "right_ring_2", 90: "right_ring_3",
    91: "right_pinky_2", 92: "right_pinky_3", 93: "right_index_2", 94: "right_index_3",
    95: "right_middle_2", 96: "right_middle_3",
}  # fmt: skip
_NAMES = _BODY | _FINGERS

PLACES = tuple(_NAMES)
JOINTS: Map = named(" ".join(_NAMES.values()))
