"""Differences over time of many sequences in one array: what acceleration and jitter share."""

from __future__ import annotations

import torch
from torch import Tensor


def differences(joints: Tensor, order: int) -> Tensor:
    """The `order`-th difference over frames.

    Args:
        joints: (F, J, 3), one frame after another.
        order: 2 for acceleration, 3 for jerk.

    Returns:
        (F − order, J, 3) float64; row i covers the frames i … i + order. None where F is less.
    """
    found = joints.detach().to(torch.float64)
    for _ in range(order):
        found = found[1:] - found[:-1]
    return found


def windows(frames: int, order: int, valid: Tensor | None, sequence: Tensor | None) -> Tensor:
    """Which windows of order + 1 frames count: all frames valid and of one sequence.

    Args:
        frames: F.
        order: of the difference.
        valid: (F,) False where a frame says nothing; None: all are valid.
        sequence: (F,) number of the sequence of each frame; the frames of a sequence stand
            together. None: all frames are one sequence.

    Returns:
        (max(F − order, 0),) bool.

    Raises:
        ValueError: `valid` or `sequence` is not (F,).
    """
    for name, given in (("valid", valid), ("sequence", sequence)):
        if given is not None and given.shape != (frames,):
            raise ValueError(f"{name} must be {(frames,)}, got {tuple(given.shape)}.")
    count = max(frames - order, 0)
    device = next((t.device for t in (valid, sequence) if t is not None), None)
    kept = torch.ones(count, dtype=torch.bool, device=device)
    for step in range(order + 1):
        if valid is not None:
            kept &= valid[step : step + count].bool()
        if sequence is not None and step:
            kept &= sequence[step : step + count] == sequence[:count]
    return kept


def placed(values: Tensor, kept: Tensor, frames: int) -> Tensor:
    """(F,) window values at the second frame of each window; NaN elsewhere and where not finite."""
    found = values.new_full((frames,), torch.nan)
    good = kept.to(values.device) & values.isfinite()
    found[1 : 1 + len(values)] = torch.where(good, values, torch.nan)
    return found
