"""Perimeter of the convex hull of points in a plane, batched."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SAME = 1e-12  # share of the extent below which two points are one
COLLINEAR = 1e-12  # [rad]


def hull_perimeter(points: Tensor, valid: Tensor) -> Tensor:
    """Perimeter of the convex hull of each set of points.

    All hulls are walked at once (Jarvis' march): a step finds the next corner of each, so there
    are as many steps as the largest hull has corners.

    Args:
        points: (B, P, 2).
        valid: (B, P) which of them count.

    Returns:
        (B,) float64, in the unit of the points; NaN with fewer than 3 valid points, 0 where all
        are in one place.
    """
    points = torch.where(valid[..., None], points.to(torch.float64), 0.0)
    if points.shape[1] == 0:
        return points.new_full((len(points),), torch.nan)
    extent = points.abs().amax((1, 2)).clamp(min=torch.finfo(torch.float64).tiny)
    start = _lowest(points, valid)
    corner, heading = start, points.new_zeros(len(points))
    length = points.new_zeros(len(points))
    open_ = valid.sum(1) >= 3
    for _ in range(points.shape[1]):
        if not open_.any():
            break
        step, heading = _next(points, valid, corner, heading, extent * SAME)
        length = length + torch.where(open_, step.norm(dim=-1), 0.0)
        corner = corner + step
        open_ = open_ & ((corner - start).norm(dim=-1) > 2 * extent * SAME)
    return torch.where(valid.sum(1) >= 3, length, torch.nan)


def _lowest(points: Tensor, valid: Tensor) -> Tensor:
    """(B, 2) the lowest point, of these the leftmost: a corner of the hull."""
    y = torch.where(valid, points[..., 1], torch.inf)
    lowest = y <= y.amin(1, keepdim=True)
    x = torch.where(lowest, points[..., 0], torch.inf)
    index = x.argmin(1)
    return points[torch.arange(len(points), device=points.device), index]


def _next(
    points: Tensor, valid: Tensor, corner: Tensor, heading: Tensor, same: Tensor
) -> tuple[Tensor, Tensor]:
    """(B, 2) way to the next corner, counter-clockwise, and (B,) its direction [rad].

    The next corner is the one that turns least to the left; of several in a line, the farthest.
    """
    way = points - corner[:, None]
    distance = way.norm(dim=-1)
    turn = torch.atan2(way[..., 1], way[..., 0]) - heading[:, None]
    turn = torch.remainder(turn + COLLINEAR, 2 * math.pi)
    turn = torch.where(valid & (distance > same[:, None]), turn, torch.inf)
    least = turn.amin(1, keepdim=True)
    index = torch.where(turn <= least + COLLINEAR, distance, -1.0).argmax(1)
    rows = torch.arange(len(points), device=points.device)
    found = torch.where(least.isfinite(), way[rows, index], 0.0)
    return found, torch.atan2(found[:, 1], found[:, 0])
