"""Mean distance of corresponding points: the arithmetic that PVE and MPJPE share."""

from __future__ import annotations

import torch
from torch import Tensor

MM_PER_M = 1000.0


def mean_point_error(pred: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Mean Euclidean distance over the valid points of each instance.

    Args:
        pred: (B, N, 3) points [m].
        target: (B, N, 3) the same points, true [m].
        valid: (B, N) False where `target` says nothing; None: all points count.

    Returns:
        (B,) float64 [mm]; NaN where no point is valid, or a valid one is not finite.

    Raises:
        ValueError: the shapes do not fit.
    """
    counted = point_mask(pred, target, valid)
    distance = (pred.to(torch.float64) - target.to(torch.float64)).norm(dim=-1)
    total = torch.where(counted, distance, torch.zeros_like(distance)).sum(-1)
    mean = total / counted.sum(-1) * MM_PER_M
    return torch.where(mean.isfinite(), mean, torch.full_like(mean, torch.nan))


def centred(points: Tensor, root: Tensor | None) -> Tensor:
    """(B, N, 3) float64 points relative to each instance's root (B, 3); as they are for None."""
    doubled = points.to(torch.float64)
    if root is None:
        return doubled
    if root.shape != (points.shape[0], 3):
        raise ValueError(f"root must be {(points.shape[0], 3)}, got {tuple(root.shape)}.")
    return doubled - root.to(torch.float64)[:, None, :]


def point_mask(pred: Tensor, target: Tensor, valid: Tensor | None) -> Tensor:
    """(B, N) bool mask of the points that count, after the shapes were checked.

    Raises:
        ValueError: `pred` and `target` are not (B, N, 3) alike, or `valid` is not (B, N).
    """
    if pred.shape != target.shape or pred.ndim != 3 or pred.shape[-1] != 3:
        raise ValueError(
            "pred and target must both be (B, N, 3), got "
            f"{tuple(pred.shape)} and {tuple(target.shape)}."
        )
    if valid is None:
        return torch.ones(pred.shape[:2], dtype=torch.bool, device=pred.device)
    if valid.shape != pred.shape[:2]:
        raise ValueError(f"valid must be {tuple(pred.shape[:2])}, got {tuple(valid.shape)}.")
    return valid.to(device=pred.device, dtype=torch.bool)
