"""PROX's 2D detections: of several people the one of the fit, in mirrored images or in others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.checks import project_rows
from ehpsbench.dataset_adapters.readers.openpose import OPENPOSE_135, read_openpose
from ehpsbench.dataset_adapters.readers.openpose_joints import SAME_JOINT, mirrored
from ehpsbench.schema import Columns, nullable
from ehpsbench.skeleton.placing import keypoint_columns

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["detected", "nearest"]

Floats = NDArray[np.float64]
SURE = 0.2  # score of a joint that is compared
FARTHEST = 0.5  # of the longer side of the body's box: who is farther away is somebody else
BODY = [(i, joint) for i, joint in enumerate(SAME_JOINT) if joint < 22]  # hips to wrists


def detected(
    files: Sequence[Path | None], columns: Columns, bodies: BodySet, root: Path
) -> dict[str, NDArray[Any]]:
    """Keypoint columns of N people, null where nothing of them was found.

    Some detections were made on the images as filmed, whose left is right: of the whole recording
    that reading counts which is nearer to the fits.

    Args:
        files: (N,) of each image, or None.
        columns: of the people, with their bodies and cameras.
        bodies: the body set of the labels.
        root: of the release.
    """
    from ehpsbench.body.posed import posed_joints

    if not any(files):
        return {}
    pixels = project_rows(columns, posed_joints(columns, bodies, root)[0])
    people = [read_openpose(f) if f else np.zeros((0, len(OPENPOSE_135), 3)) for f in files]
    readings = []
    for turn in (False, True):
        seen = [
            mirrored(each, float(width)) if turn else each
            for each, width in zip(people, columns["width"], strict=True)
        ]
        found = [nearest(each, own) for each, own in zip(seen, pixels, strict=True)]
        readings.append((np.stack([f[0] for f in found]), np.array([f[1] for f in found])))
    far = [np.nanmedian(d) if np.isfinite(d).any() else np.inf for _, d in readings]
    points, distance = readings[int(far[1] < far[0])]
    side = np.ma.getdata(columns["bbox"])[:, 2:].max(1)
    with np.errstate(invalid="ignore"):
        known = distance < FARTHEST * side
    placed = keypoint_columns(2, (points, OPENPOSE_135))
    return {name: nullable(values, known) for name, values in placed.items()}


def nearest(people: Floats, pixels: Floats) -> tuple[Floats, float]:
    """Of (P, 135, 3) people the one nearest to the joints (J, 2) of a body, and how far [px].

    NaN if nobody shares a joint with it.
    """
    nobody = np.zeros((len(OPENPOSE_135), 3))
    ours, theirs = pixels[[j for _, j in BODY]], people[:, [i for i, _ in BODY]]
    gap = np.linalg.norm(theirs[..., :2] - ours, axis=-1)
    sure = (theirs[..., 2] > SURE) & np.isfinite(gap)
    count = sure.sum(1)
    mean = np.where(count > 0, np.where(sure, gap, 0).sum(1) / np.maximum(count, 1), np.inf)
    if not len(people) or not np.isfinite(mean).any():
        return nobody, float("nan")
    best = int(mean.argmin())
    return people[best], float(mean[best])
