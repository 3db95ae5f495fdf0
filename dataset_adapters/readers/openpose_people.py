"""Which of OpenPose's people a fitted body is, and the joints that both have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ehpsbench.skeleton.human_data import INDEX, OPENPOSE_25

__all__ = ["ANCHORS", "ANCHOR_JOINTS", "nearest_person"]

Floats = NDArray[np.float64]

BODY_JOINTS = 22  # of SMPL and SMPL-X alike, without the hands
# joints of BODY_25 that a body turns about: shoulders, arms, hips and legs, neck, pelvis
ANCHORS = [i for i, name in enumerate(OPENPOSE_25) if INDEX.get(name, BODY_JOINTS) < BODY_JOINTS]
ANCHOR_JOINTS = [INDEX[OPENPOSE_25[i]] for i in ANCHORS]
FARTHEST = 0.5  # of the body's larger side, on average over its joints: it is somebody else


def nearest_person(people: Floats, body: Floats) -> int | None:
    """Which of the people a body is; None where it is none of them.

    Args:
        people: (P, K, 3) x, y, confidence [px]; the first 25 are BODY_25.
        body: (J, 2) joints of the body in the image [px], SMPL's 22 first.
    """
    joints = body[ANCHOR_JOINTS]
    if not len(people) or not np.isfinite(joints).all():
        return None
    found = people[:, ANCHORS]
    seen = found[..., 2] > 0
    distance = np.where(seen, np.linalg.norm(found[..., :2] - joints, axis=-1), 0.0).sum(1)
    count = seen.sum(1)
    mean = np.where(count > 0, distance / np.maximum(count, 1), np.inf)
    best = int(mean.argmin())
    side = np.ptp(joints, axis=0).max()
    return best if mean[best] <= FARTHEST * side else None
