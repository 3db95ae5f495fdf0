"""Boxes around keypoints: those that are scored, in the image, of whoever has some."""

from __future__ import annotations

import numpy as np

from ehpsbench.dataset_adapters.boxes import keypoint_boxes
from ehpsbench.schema import nullable, present


def _columns(points: np.ndarray, **more: np.ndarray) -> dict[str, np.ndarray]:
    size = np.full(len(points), 100)
    return {"keypoints2d": points.reshape(len(points), 432), "width": size, "height": size, **more}


def test_a_box_is_around_the_scored_keypoints_of_both_columns_within_the_image() -> None:
    points, extra = np.zeros((1, 144, 3)), np.zeros((1, 46, 3))
    points[0, 5], points[0, 9], points[0, 7] = (20, 30, 1), (60, 50, 0.3), (90, 90, 0)
    extra[0, 2] = (40, 120, 2)  # below the image
    boxes = keypoint_boxes(_columns(points, keypoints2d_extra=extra.reshape(1, 138)))
    assert boxes.tolist() == [[20, 30, 40, 70]]


def test_without_keypoints_or_with_one_there_is_no_box() -> None:
    points = np.zeros((3, 144, 3))
    points[1, 4], points[2, :2] = (10, 10, 1), [(10, 10, 1), (30, 40, 1)]
    columns = _columns(points)
    assert present(keypoint_boxes(columns)).tolist() == [False, False, True]
    null = nullable(columns["keypoints2d"], [True, True, False])
    assert not present(keypoint_boxes(columns | {"keypoints2d": null})).any()


def test_nobody_has_no_boxes() -> None:
    assert keypoint_boxes(_columns(np.zeros((0, 144, 3)))).shape == (0, 4)
