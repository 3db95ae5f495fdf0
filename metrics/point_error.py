"""Mean distance of corresponding points: the arithmetic that PVE and MPJPE share.

Metrics measure and are not trained by: what enters is detached, so no result has a gradient.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ehpsbench.metrics.point_pairs import PointPairs

MM_PER_M = 1000.0


def mean_point_error(
    pred: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    *,
    shift: Tensor | None = None,
) -> Tensor:
    """Mean Euclidean distance over the valid points of each instance.

    Args:
        pred: (B, N, 3) points [m].
        target: (B, N, 3) the same points, true [m].
        valid: (B, N) False where `target` says nothing; None: all points count.
        shift: (B, 3) taken off every difference pred − target [m], such as that of two roots.

    Returns:
        (B,) float64 [mm]; NaN where no point is valid, or a valid one is not finite.

    Raises:
        ValueError: the shapes do not fit.
    """
    check_points(pred, target)
    mask = None if valid is None else point_mask(pred, target, valid)
    moved = None if shift is None else shift.detach().to(pred.device, torch.float64)
    (found,) = PointPairs(pred, target).distances([moved], counted=mask)
    return millimetres(found)


def millimetres(metres: Tensor) -> Tensor:
    """(B,) errors [m], which are overwritten, in mm; NaN for what is not finite."""
    nan = math.nan
    return metres.mul_(MM_PER_M).nan_to_num_(nan, posinf=nan, neginf=nan)


def root_shift(pred_root: Tensor | None, target_root: Tensor | None, count: int) -> Tensor | None:
    """(B, 3) float64 difference of two roots [m]; a root that is not given lies at the origin.

    Raises:
        ValueError: a root is not (B, 3).
    """
    given = [r for r in (pred_root, target_root) if r is not None]
    for root in given:
        if root.shape != (count, 3):
            raise ValueError(f"root must be {(count, 3)}, got {tuple(root.shape)}.")
    if not given:
        return None
    zero = torch.zeros_like(given[0], dtype=torch.float64)
    a, b = (zero if r is None else r.detach().to(torch.float64) for r in (pred_root, target_root))
    return a - b


def centred(points: Tensor, root: Tensor | None) -> Tensor:
    """(B, N, 3) float64 points relative to each instance's root (B, 3); as they are for None."""
    doubled, shift = points.detach().to(torch.float64), root_shift(root, None, len(points))
    return doubled if shift is None else doubled - shift[:, None, :]


def check_points(pred: Tensor, target: Tensor) -> None:
    """Refuse point sets that do not correspond.

    Raises:
        ValueError: `pred` and `target` are not (B, N, 3) alike.
    """
    if pred.shape != target.shape or pred.ndim != 3 or pred.shape[-1] != 3:
        raise ValueError(
            "pred and target must both be (B, N, 3), got "
            f"{tuple(pred.shape)} and {tuple(target.shape)}."
        )


def point_mask(pred: Tensor, target: Tensor, valid: Tensor | None) -> Tensor:
    """(B, N) bool mask of the points that count, after the shapes were checked.

    Raises:
        ValueError: `pred` and `target` are not (B, N, 3) alike, or `valid` is not (B, N).
    """
    check_points(pred, target)
    if valid is None:
        return torch.ones(pred.shape[:2], dtype=torch.bool, device=pred.device)
    if valid.shape != pred.shape[:2]:
        raise ValueError(f"valid must be {tuple(pred.shape[:2])}, got {tuple(valid.shape)}.")
    return valid.to(device=pred.device, dtype=torch.bool)
