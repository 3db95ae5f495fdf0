"""A broken pixel is wrong by itself: what stands beside it is scored as if it were not there."""

from __future__ import annotations

import pytest
import torch

from ehpsbench.metrics import depth, normals, segmentation


def test_a_nan_normal_does_not_spoil_those_beside_it() -> None:
    true = torch.nn.functional.normalize(torch.randn(1, 3, 2000, dtype=torch.float64), dim=1)
    said = 3 * true
    said[0, :, 0] = torch.nan
    said[0, :, 1] = 0
    found = normals.numbers(normals.score(said, true)[0])
    assert found["within_5"] == pytest.approx(99.9)
    alone = normals.numbers(normals.score(said[..., 1:2], true[..., 1:2])[0])
    assert alone["mean"] == pytest.approx(90)


def test_a_negative_depth_is_wrong_also_beside_a_nan() -> None:
    true = torch.full((1, 20), 2.0)
    said = true.clone()
    said[0, 0], said[0, 1] = -2, torch.nan
    assert depth.numbers(depth.score(said, true)[0])["delta1"] == pytest.approx(0.9)


@pytest.mark.parametrize("kind", [torch.uint16, torch.float16, torch.bfloat16, torch.int32])
def test_maps_are_scored_in_the_type_that_a_file_holds(kind: torch.dtype) -> None:
    true = torch.arange(1, 41).reshape(2, 20)
    rows = depth.score(true.to(kind), true.to(kind), valid=torch.ones(2, 20))
    assert torch.equal(rows, depth.score(true.double(), true.double()))


@pytest.mark.parametrize("kind", [torch.int8, torch.uint16, torch.uint8])
def test_labels_are_counted_in_the_type_that_a_file_holds(kind: torch.dtype) -> None:
    true = torch.randint(0, 5, (2, 50), generator=torch.Generator().manual_seed(0))
    said = true.roll(1, 1)
    wanted = segmentation.score(said, true, classes=5)
    assert torch.equal(segmentation.score(said.to(kind), true.to(kind), classes=5), wanted)


def test_gradients_are_no_hindrance() -> None:
    true = torch.rand(1, 3, 40) + 1
    said = (true + 0.1).requires_grad_()
    assert normals.score(said, true).isfinite().all()
    assert depth.score(said[:, 0], true[:, 0]).isfinite().all()


def test_no_images_have_no_median() -> None:
    none = torch.zeros(0, 3, 4)
    assert normals.exact_median(none, none).isnan()
