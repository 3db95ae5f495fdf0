"""Per-joint tolerances of OKS for COCO's 17 joints and the 133 of COCO-WholeBody.

Source: Lin et al. 2014 for the body, Jin et al. 2020 (COCO-WholeBody) for the rest; the values that
pycocotools, xtcocotools, mmpose and the COCO-WholeBody scripts share.
"""

from __future__ import annotations


def _thousandths(text: str) -> tuple[float, ...]:
    return tuple(int(value) / 1000 for value in text.split())


BODY_17 = _thousandths("26 25 25 35 35 79 79 72 72 62 62 107 107 87 87 89 89")
FEET_6 = _thousandths("68 66 66 92 94 94")
FACE_68 = _thousandths(
    "42 43 44 43 40 35 31 25 20 23 29 32 37 38 43 41 45 13 12 11 11 12 12 11 11 13 15 9 7 7 7 12 9 "
    "8 16 10 17 11 9 11 9 7 13 8 11 12 10 34 8 8 9 8 8 7 10 8 9 9 9 7 7 8 11 8 8 8 10 8"
)
HAND_21 = _thousandths("29 22 35 37 47 26 25 24 35 18 24 22 26 17 21 21 32 20 19 22 31")

COCO_17: tuple[float, ...] = BODY_17
WHOLEBODY_133: tuple[float, ...] = (*BODY_17, *FEET_6, *FACE_68, *HAND_21, *HAND_21)

GROUPS: dict[str, slice] = {
    "body": slice(0, 17),
    "foot": slice(17, 23),
    "face": slice(23, 91),
    "left_hand": slice(91, 112),
    "right_hand": slice(112, 133),
    "whole": slice(0, 133),
}
"""Where each scored group lies among the 133."""
