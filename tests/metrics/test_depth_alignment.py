"""Fits of scale and shift: against numpy.linalg.lstsq, also where it has many solutions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.metrics.depth_alignment import (
    Alignment,
    from_moments,
    least_squares,
    midas,
    moments,
    unaligned,
)


@pytest.mark.parametrize("space", ["depth", "disparity"])
@pytest.mark.parametrize("constant", [0.0, 1 / 3, 250.0])
def test_a_constant_prediction_has_numpys_solution_of_least_norm(
    space: Any, constant: float
) -> None:
    true = 2 + torch.rand((1, 300), generator=torch.Generator().manual_seed(0)).double()
    pred = torch.full_like(true, constant)
    fit = least_squares(pred, true, space=space)
    design = np.stack([pred[0], np.ones(300)], 1)
    wanted = true[0] if space == "depth" else 1 / true[0]
    expected = np.linalg.lstsq(design, wanted.numpy(), rcond=None)[0]
    np.testing.assert_allclose(
        [float(fit.scale), float(fit.shift)], expected, rtol=1e-9, atol=1e-12
    )
    if space == "disparity":
        assert torch.equal(midas(pred, true, cap=10)(pred), torch.full_like(pred, 10.0))


def test_a_nearly_constant_prediction_far_from_zero_has_numpys_solution() -> None:
    generator = torch.Generator().manual_seed(1)
    noise, true = torch.rand((2, 1, 500), generator=generator, dtype=torch.float64)
    pred, true = 1e4 + 1e-2 * noise, 2 + true + noise
    fit = least_squares(pred, true)
    design = np.stack([pred[0], np.ones(500)], 1)
    expected = np.linalg.lstsq(design, true[0].numpy(), rcond=None)[0]
    np.testing.assert_allclose([float(fit.scale), float(fit.shift)], expected, rtol=1e-7)


def test_one_valid_pixel_has_numpys_solution_of_least_norm() -> None:
    fit = least_squares(
        torch.tensor([[3.0, 1.0]]), torch.tensor([[2.0, 9.0]]), torch.tensor([[1, 0]])
    )
    expected = np.linalg.lstsq(np.array([[3.0, 1.0]]), np.array([2.0]), rcond=None)[0]
    np.testing.assert_allclose([float(fit.scale), float(fit.shift)], expected)


def test_moments_of_chunks_of_a_video_give_the_fit_of_all_its_pixels() -> None:
    generator = torch.Generator().manual_seed(2)
    pred, true = 50 + torch.rand((2, 7, 40, 30), generator=generator, dtype=torch.float64)
    valid = torch.rand(pred.shape, generator=generator) < 0.5
    valid[3] = False
    video = torch.tensor([4, 4, 9, 9, 4, 9, 4])
    parts = torch.cat(
        [moments(pred[i : i + 2], true[i : i + 2], valid[i : i + 2]) for i in (0, 2, 4, 6)]
    )
    fit = from_moments(parts, sequence=video)
    for name in (4, 9):
        here = video == name
        mask = valid[here]
        design = np.stack([pred[here][mask], np.ones(int(mask.sum()))], 1)
        expected = np.linalg.lstsq(design, true[here][mask].numpy(), rcond=None)[0]
        np.testing.assert_allclose(fit.scale[here], expected[0], rtol=1e-9)
        np.testing.assert_allclose(fit.shift[here], expected[1], rtol=1e-9)


def test_an_alignment_makes_whole_maps_depth_within_the_clip() -> None:
    fit = Alignment(torch.tensor([0.5]).double(), torch.tensor([-0.5]).double(), "disparity")
    pred = torch.tensor([[[1.5, 2.0], [1.0, 0.0]]])
    expected = torch.tensor([[[4.0, 2.0], [1000.0, 1000.0]]]).double()
    torch.testing.assert_close(fit(pred), expected)
    torch.testing.assert_close(fit(pred, (3.0, 10.0)), expected.clamp(3.0, 10.0))
    torch.testing.assert_close(unaligned(1)(pred, (1.0, 1.8)), pred.double().clamp(1.0, 1.8))
    assert unaligned(0)(pred[:0]).shape == (0, 2, 2)
