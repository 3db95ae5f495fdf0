"""Silhouettes: by hand, and against a loop written as STRAPS counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ehpsbench.metrics import silhouette_iou


def test_random_silhouettes_have_the_pooled_and_per_frame_values_of_straps() -> None:
    rng = np.random.default_rng(0)
    pred, true = rng.random((2, 5, 30, 40)) < rng.random((2, 5, 1, 1))
    tp, fp, fn = (pred & true), (pred & ~true), (~pred & true)
    tp, fp, fn = (x.sum((1, 2)) for x in (tp, fp, fn))
    rows = silhouette_iou.score(torch.from_numpy(pred), torch.from_numpy(true * 7))
    found = silhouette_iou.numbers(rows.sum(0))
    pooled = 100 * tp.sum() / (tp + fp + fn).sum()
    assert float(found["silhouette_iou"]) == pytest.approx(pooled)
    frames = 100 * tp / (tp + fp + fn)
    assert float(found["silhouette_iou_per_image"]) == pytest.approx(frames.mean())
    np.testing.assert_allclose(rows[:, 2], frames)


def test_one_pixel_of_three_by_hand_and_an_empty_image_is_left_out() -> None:
    pred, true = torch.tensor([[1, 1, 0], [0, 0, 0]]), torch.tensor([[0, 1, 1], [0, 0, 0]])
    rows = silhouette_iou.score(pred, true)
    assert rows.tolist() == [[1, 3, pytest.approx(100 / 3), 1], [0, 0, 0, 0]]
    found = silhouette_iou.numbers(rows.sum(0))
    assert all(float(v) == pytest.approx(100 / 3) for v in found.values())
    assert all(v.isnan() for v in silhouette_iou.numbers(rows[1]).values())


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        silhouette_iou.score(torch.ones(1, 2), torch.ones(1, 3))
