"""Machine code, which the CPU has, finds what torch's operations find, which other devices have."""

from __future__ import annotations

import math

import pytest
import torch

from ehpsbench.metrics import angular_error, depth, depth_alignment, segmentation
from ehpsbench.metrics.depth_alignment import Line, Space

PIXELS = 1000
WRONG = (math.nan, math.inf, -math.inf, 0.0, -1.0)


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def close(found: object, expected: object, error: float = 1e-12) -> None:
    sides = (torch.as_tensor(x, dtype=torch.float64) for x in (found, expected))
    torch.testing.assert_close(*sides, rtol=error, atol=error, equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("disparity", [False, True])
@pytest.mark.parametrize("ends", [(-math.inf, math.inf), (0.2, 0.9)])
@pytest.mark.parametrize("wrong", [False, True])
def test_sums_of_depth(
    dtype: torch.dtype, disparity: bool, ends: tuple[float, float], wrong: bool
) -> None:
    pred = torch.rand(PIXELS, generator=source(), dtype=dtype) + 0.05
    target = torch.rand(PIXELS, generator=source(1), dtype=dtype) + 0.05
    if wrong:
        pred[: len(WRONG)] = torch.tensor(WRONG, dtype=dtype)
    line, room = Line(0.9, 0.02, *ends, disparity), torch.empty((5, PIXELS), dtype=torch.float64)
    expected = depth._of_portion(line, room, pred, target)
    found = depth._compiled(line, room, pred, target)
    finite = torch.as_tensor(expected).isfinite()
    assert torch.equal(torch.as_tensor(found).isfinite(), finite)
    close(torch.as_tensor(found)[finite], torch.as_tensor(expected)[finite], 1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("space", ["depth", "disparity"])
def test_moments_of_depth(dtype: torch.dtype, space: Space) -> None:
    pred = 1000 + torch.rand(PIXELS, generator=source(), dtype=dtype)
    target = 3 + torch.rand(PIXELS, generator=source(1), dtype=dtype)
    room = torch.empty((2, PIXELS), dtype=torch.float64)
    expected = depth_alignment._of_portion(space, room, pred, target)
    close(depth_alignment._compiled(space, room, pred, target), expected, 1e-9)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int64])
@pytest.mark.parametrize("ignored", [None, 0, 3, 255, -1])
def test_areas_of_pairs_of_labels(dtype: torch.dtype, ignored: int | None) -> None:
    low = 0 if dtype == torch.uint8 else -2
    pred, target = (
        torch.randint(low, 9, (PIXELS,), generator=source(seed)).to(dtype) for seed in (0, 1)
    )
    target[:50] = 255
    expected = segmentation._joint_areas(pred, target, 6, ignored)
    found = segmentation._compiled(pred, target, 6, ignored)
    assert torch.equal(found, expected)
    assert found.sum() == PIXELS - (0 if ignored is None else (target.long() == ignored).sum())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cosines_of_normals(dtype: torch.dtype) -> None:
    pred = torch.randn((3, PIXELS), generator=source(), dtype=dtype)
    target = pred + torch.randn((3, PIXELS), generator=source(1), dtype=dtype)
    target[:, :20] = pred[:, :20]
    target[:, 20:25], pred[:, 25:30], pred[0, 30] = 0.0, 1e-9, math.nan
    mask = torch.rand(PIXELS, generator=source(2)) < 0.7
    room = torch.empty((5, PIXELS), dtype=torch.float64)
    axes = [*pred, *target]
    expected = angular_error._cosine(axes, mask, room).clone()
    close(angular_error._compiled(axes, mask, torch.empty_like(room)), expected, 1e-15)
    assert len(expected) == mask.sum()
