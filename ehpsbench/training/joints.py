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
