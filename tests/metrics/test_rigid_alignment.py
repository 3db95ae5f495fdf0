"""The similarity in cases with a known answer, and where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ehpsbench.metrics import pa_mpjpe, pa_pve
from ehpsbench.metrics.rigid_alignment import aligned, similarity


def points(count: int, seed: int = 0, batch: int = 1) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(batch, count, 3)))


def turn(degrees: float) -> torch.Tensor:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return torch.tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)


@settings(max_examples=30, deadline=None)
@given(
    degrees=st.floats(-180, 180),
    scale=st.floats(0.01, 100),
    shift=st.floats(-100, 100),
    seed=st.integers(0, 1000),
)
def test_any_similarity_is_found_again(
    degrees: float, scale: float, shift: float, seed: int
) -> None:
    target = points(10, seed)
    source = scale * target @ turn(degrees).T + shift
    found = similarity(source, target)
    assert found.scale.item() == pytest.approx(1 / scale, rel=1e-6)
    torch.testing.assert_close(found.rotation[0], turn(degrees).T, atol=1e-6, rtol=0)
    torch.testing.assert_close(aligned(source, target), target, atol=1e-9, rtol=0)


def test_four_points_half_as_large_align_with_scale_2_and_no_error() -> None:
    target = points(4)
    found = similarity(target / 2, target)
    assert found.scale.item() == pytest.approx(2)
    assert pa_mpjpe.score(target / 2, target).item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("size", [1e-145, 1e-90, 1e77, 1e145])
def test_bodies_of_any_size_are_turned_back(size: float) -> None:
    target = points(14) * size
    found = similarity(target @ turn(100), target)
    torch.testing.assert_close(found.rotation[0], turn(100), atol=1e-12, rtol=0)
    assert found.scale.item() == pytest.approx(1)


def test_a_mirrored_body_keeps_its_error() -> None:
    target = points(20)
    mirrored = target * torch.tensor([-1.0, 1.0, 1.0])
    found = similarity(mirrored, target)
    assert torch.linalg.det(found.rotation).item() == pytest.approx(1)
    assert pa_pve.score(mirrored, target).item() > 100


def test_points_in_a_plane_and_their_mirror_image_are_the_same_body() -> None:
    target = points(8) * torch.tensor([1.0, 1.0, 0.0])
    assert pa_mpjpe.score(-target, target).item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_than_three_points_have_no_similarity(count: int) -> None:
    assert pa_mpjpe.score(points(count), points(count, 1)).isnan().all()


def test_three_points_are_enough() -> None:
    assert pa_mpjpe.score(points(3), points(3, 1)).isfinite().all()


@pytest.mark.parametrize("value", [0.0, 0.1, 12.3])
def test_a_prediction_with_all_points_in_one_place_is_nan(value: float) -> None:
    assert pa_mpjpe.score(torch.full((1, 14, 3), value), points(14)).isnan().all()


def test_a_truth_with_all_points_in_one_place_is_nan_not_zero() -> None:
    assert pa_mpjpe.score(points(14), torch.full((1, 14, 3), 0.1)).isnan().all()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_one_broken_person_does_not_touch_the_others(bad: float) -> None:
    source, target = points(14, batch=3), points(14, 1, batch=3)
    expected = pa_mpjpe.score(source, target)
    source[1, 5, 2] = bad
    found = pa_mpjpe.score(source, target)
    assert found.isnan().tolist() == [False, True, False]
    torch.testing.assert_close(found[[0, 2]], expected[[0, 2]])


def test_points_that_are_not_valid_change_nothing_even_when_nan() -> None:
    source, target = points(14), points(14, 1)
    valid = torch.ones(1, 14, dtype=torch.bool)
    valid[0, 4:] = False
    expected = pa_mpjpe.score(source[:, :4], target[:, :4])
    target[0, 9] = math.nan
    torch.testing.assert_close(pa_mpjpe.score(source, target, valid), expected)


def test_counted_points_enter_the_mean_and_all_points_the_fit() -> None:
    source, target = points(14), points(14, 1)
    counted = torch.zeros(1, 14, dtype=torch.bool)
    counted[0, 3] = True
    distance = (aligned(source, target) - target)[0, 3].norm() * 1000
    found = pa_pve.score(source, target, counted=counted)
    assert found.item() == pytest.approx(distance.item())


def test_the_least_squares_error_is_smaller_than_that_of_a_thousand_other_similarities() -> None:
    source, target = points(14), points(14, 1)
    best = (aligned(source, target) - target).square().sum()
    rng = np.random.default_rng(2)
    for _ in range(1000):
        rotation = torch.from_numpy(np.linalg.qr(rng.normal(size=(3, 3)))[0])
        rotation = rotation * torch.linalg.det(rotation)
        other = rng.uniform(0, 2) * source @ rotation + torch.from_numpy(rng.normal(size=3)) / 4
        assert (other - target).square().sum() >= best


def test_bodies_a_kilometre_away_align_to_a_nanometre() -> None:
    target = points(14)
    assert pa_mpjpe.score(2 * target + 1000, target + 1000).item() < 1e-6


def test_finite_points_whose_squares_overflow_are_nan_not_an_error() -> None:
    assert pa_mpjpe.score(points(14) * 1e200, points(14)).isnan().all()


def test_thin_bodies_and_their_mirror_images_align_without_reflection() -> None:
    target = points(20) * torch.tensor([1.0, 1.0, 1e-9])
    found = similarity(target * torch.tensor([1.0, 1.0, -1.0]), target)
    assert torch.linalg.det(found.rotation).item() == pytest.approx(1)
    assert found.scale.item() == pytest.approx(1)
