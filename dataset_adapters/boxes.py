"""Tight person boxes where a release has none: around the projected joints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.checks import project_rows
from ehpsbench.geometry import box_around, clip_box
from ehpsbench.schema import Columns, nullable

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SMALLEST = 1.0  # px, of a box that says something


def joint_boxes(columns: Columns, bodies: BodySet, root: Path) -> NDArray[Any]:
    """(N, 4) x, y, w, h [px] around the joints in front of the camera, cut to the image.

    Args:
        columns: instance columns with parameters, camera and image size.
        bodies: the body set of the labels.
        root: the release root, for templates and meshes.

    Returns:
        Null where no joint is in front of the camera.
    """
    from ehpsbench.body.posed import posed_joints

    return boxes_around(columns, *posed_joints(columns, bodies, root))


def boxes_around(
    columns: Columns, joints: NDArray[np.float64], has: NDArray[np.bool_]
) -> NDArray[Any]:
    """The same for joints at hand: (N, J, 3) in the camera frame [m], (N, J) which count."""
    with np.errstate(invalid="ignore"):
        front = has & (joints[..., 2] > 0)
    pixels = np.where(front[..., None], project_rows(columns, joints), np.nan)
    boxes = clip_box(box_around(pixels), columns["width"], columns["height"])
    return nullable(np.nan_to_num(boxes), front.any(1))


def keypoint_boxes(columns: Columns) -> NDArray[Any]:
    """(N, 4) x, y, w, h [px] around the 2D keypoints, cut to the image.

    Args:
        columns: instance columns with keypoints and image size.

    Returns:
        Null where fewer than a pixel would be in it.
    """
    names = [name for name in ("keypoints2d", "keypoints2d_extra") if name in columns]
    flat = np.concatenate([np.ma.filled(columns[name], 0.0) for name in names], 1)
    points = flat.reshape(len(flat), flat.shape[1] // 3, 3)
    around = box_around(np.where(points[..., 2:] > 0, points[..., :2], np.nan))
    boxes = np.nan_to_num(clip_box(around, columns["width"], columns["height"]))
    return nullable(boxes, (boxes[:, 2:] >= SMALLEST).all(1))
