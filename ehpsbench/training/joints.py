"""The 55 SMPL-X joints as training sees them: parts, mirror pairs, chains."""

from __future__ import annotations

import numpy as np

JOINTS = 55
PELVIS, NECK, HEAD, LEFT_WRIST, RIGHT_WRIST, JAW = 0, 12, 15, 20, 21, 22
BODY = slice(0, 22)
LEFT_HAND = slice(25, 40)
RIGHT_HAND = slice(40, 55)
FACE = slice(22, 25)
# The rotations that turn a wrist, root first.
LEFT_CHAIN = (0, 3, 6, 9, 13, 16, 18, 20)
RIGHT_CHAIN = (0, 3, 6, 9, 14, 17, 19, 21)
# Joints that annotators can mark in a picture and that are the same point of the body as SMPL-X's:
# knees, ankles, shoulders, elbows, wrists and fingers, each under its own number in `keypoints2d`,
# and the eyes, whose landmarks (right 56, left 57) are a centimetre before the eyeballs.
# Left out: hips (clicked on the surface, centimetres from the joint), pelvis, spine, collars, neck,
# head and jaw (nobody sees them, and data sets differ), feet (toes and heels are other points),
# nose, ears, finger tips and face points (no joint).
SEEN_JOINTS = np.array([4, 5, 7, 8, *range(16, 22), 23, 24, *range(25, 55)])
SEEN_KEYPOINTS = np.array([4, 5, 7, 8, *range(16, 22), 57, 56, *range(25, 55)])
# Joint each part is centred on for the part-relative loss.
PART_ROOT = ((LEFT_HAND, LEFT_WRIST), (RIGHT_HAND, RIGHT_WRIST), (FACE, NECK))


def _mirror() -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    order = np.arange(JOINTS)
    pairs = [(1, 2), (4, 5), (7, 8), (10, 11), (13, 14), (16, 17), (18, 19), (20, 21), (23, 24)]
    pairs += [(left, left + 15) for left in range(25, 40)]
    for left, right in pairs:
        order[[left, right]] = right, left
    return order


MIRROR = _mirror()
