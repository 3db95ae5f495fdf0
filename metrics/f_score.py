"""F-score of two point clouds by their nearest neighbours, both ways."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

CHUNK = 2_000_000  # distances held at once: 16 MB, which caches like


def f_scores(pred: Tensor, target: Tensor, thresholds: Sequence[float]) -> Tensor:
    """Harmonic mean of the shares of points with a neighbour strictly nearer than a threshold.

    Args:
        pred: (B, N, 3) points [m].
        target: (B, M, 3) true points [m].
        thresholds: T of them [m].

    Returns:
        (B, T) float64; 0 where no point has such a neighbour.
    """
    limits = torch.as_tensor(thresholds, dtype=torch.float64, device=pred.device)
    there, back = nearest(pred, target)
    recall = (there[..., None] < limits).to(torch.float64).mean(1)
    precision = (back[..., None] < limits).to(torch.float64).mean(1)
    both = recall + precision
    return torch.where(both > 0, 2 * recall * precision / both, 0.0)


def nearest(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """(B, N) distance of each point of `pred` to the nearest of `target`, and (B, M) back [m]."""
    pred, target = pred.detach().to(torch.float64), target.detach().to(torch.float64)
    step = max(1, CHUNK // max(pred.shape[1] * target.shape[1], 1))
    found = []
    for start in range(0, len(pred), step):
        rows = slice(start, start + step)
        # the product form loses half of the digits, and thresholds are strict
        distance = torch.cdist(
            pred[rows], target[rows], compute_mode="donot_use_mm_for_euclid_dist"
        )
        found.append((distance.amin(2), distance.amin(1)))
    if not found:
        return pred.new_zeros(pred.shape[:2]), target.new_zeros(target.shape[:2])
    return torch.cat([there for there, _ in found]), torch.cat([back for _, back in found])
