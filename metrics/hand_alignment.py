"""FreiHAND's alignment: scale, orthogonal map and translation; the map may be a mirror."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NORM_EPSILON = 1e-8  # of the official code; a perfect prediction keeps some 4 nm of error by it


@dataclass(frozen=True, slots=True)
class HandAlignment:
    """x ↦ scale · (x − source_mean) · mapᵀ + target_mean, one for each hand.

    Attributes:
        scale: (B,).
        map: (B, 3, 3), orthogonal.
        source_mean: (B, 3) [m].
        target_mean: (B, 3) [m].
    """

    scale: Tensor
    map: Tensor
    source_mean: Tensor
    target_mean: Tensor

    def __call__(self, points: Tensor) -> Tensor:
        """(B, N, 3) points, moved."""
        turned = (points - self.source_mean[:, None]) @ self.map.transpose(1, 2)
        return self.scale[:, None, None] * turned + self.target_mean[:, None]


def hand_alignment(source: Tensor, target: Tensor, *, reflect: bool = True) -> HandAlignment:
    """The alignment of `source` to `target` as FreiHAND's evaluation fits it.

    Args:
        source: (B, N, 3) finite float64 points [m].
        target: (B, N, 3) the same points, true [m].
        reflect: allow a mirror; False: rotations only.

    Returns:
        One alignment for each hand; points all in one place get the target's mean.

    Source:
        freihand 5ea4ab9 eval.py:71-94 (align_w_scale).
    """
    source_mean, target_mean = source.mean(1), target.mean(1)
    a, b = source - source_mean[:, None], target - target_mean[:, None]
    a_norm = a.flatten(1).norm(dim=1) + NORM_EPSILON
    b_norm = b.flatten(1).norm(dim=1) + NORM_EPSILON
    a, b = a / a_norm[:, None, None], b / b_norm[:, None, None]
    u, s, vt = torch.linalg.svd(b.transpose(1, 2) @ a)
    sign = torch.ones_like(s)
    if not reflect:
        mirrored = torch.linalg.det(u) * torch.linalg.det(vt) < 0
        sign[:, 2] = torch.where(mirrored, -1.0, 1.0).to(s)
    scale = (s * sign).sum(1) * b_norm / a_norm
    return HandAlignment(scale, (u * sign[:, None, :]) @ vt, source_mean, target_mean)
