"""Places as the mean of a heatmap, and features at places, in coordinates whose edges are ±1.

Cell i of n has its middle at (2i + 1) / n − 1, as in `grid_sample` with `align_corners=False`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

DEPTH = 16  # cells of every heatmap along the depth, as published
GROUPS = 32  # of channels, for the norms; fewer where they do not divide
HEATMAP_STD = 1e-3  # a heatmap starts flat, as published


class PositionNet(nn.Module):
    """One linear look at each cell of the features → a heatmap a joint."""

    def __init__(self, dim: int, joints: int) -> None:
        super().__init__()
        self.joints = joints
        self.look = flat(nn.Conv2d(dim, joints * DEPTH, 1))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, D, H, W) → shares (B, J, 16, H, W), which add up to 1, and places (B, J, 3)."""
        heat = self.look(features).float().unflatten(1, (self.joints, DEPTH))
        return soft_argmax(heat)


def soft_argmax(heat: Tensor) -> tuple[Tensor, Tensor]:
    """Heatmaps → what share of each is where, and the mean place.

    Args:
        heat: (B, J, H, W), or (B, J, Z, H, W) with depth.

    Returns:
        Shares of the same shape, and places (B, J, 2) x, y, or (B, J, 3) x, y, z.
    """
    shares = heat.flatten(2).softmax(-1).view_as(heat)
    axes = range(heat.ndim - 1, 1, -1)  # x is the last
    means = []
    for axis in axes:
        along = shares.sum([other for other in axes if other != axis])
        # A product of matrices would be in bf16 under autocast, and a place off by a cell's tenth.
        means.append((along * middles(heat.shape[axis], heat)).sum(-1))
    return shares, torch.stack(means, -1)


def middles(count: int, like: Tensor) -> Tensor:
    """(count,) where the middles of so many cells are."""
    cells = torch.arange(count, dtype=like.dtype, device=like.device)
    return (2 * cells + 1) / count - 1


def features_at(features: Tensor, places: Tensor) -> Tensor:
    """(B, C, H, W) at (B, J, 2) → (B, J, C), bilinear; zero far outside."""
    return sampled(features, places[:, :, None])[..., 0].transpose(1, 2)


def sampled(features: Tensor, grid: Tensor) -> Tensor:
    """(B, C, H, W) at (B, h, w, 2) → (B, C, h, w), in float32 at least: places need the digits."""
    kind = torch.promote_types(features.dtype, torch.float32)
    return functional.grid_sample(features.to(kind), grid.to(kind), align_corners=False)


def enlarged(widths: Sequence[int]) -> nn.Sequential:
    """(B, widths[0], H, W) → (B, widths[-1], …): each step doubles height and width.

    The published steps norm each channel over the batch. These norm groups of channels of each
    crop, with as many parameters: what a crop teaches does not hang on which others go through
    with it, so that a batch in pieces, or on several devices, is the batch.
    """
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), *normed(after)]
    return nn.Sequential(*layers)


def normed(width: int) -> list[nn.Module]:
    """A norm and a ReLU."""
    return [nn.GroupNorm(math.gcd(GROUPS, width), width), nn.ReLU()]


def flat(look: nn.Conv2d) -> nn.Conv2d:
    """A layer that makes heatmaps, at its start."""
    nn.init.normal_(look.weight, std=HEATMAP_STD)
    if look.bias is not None:
        nn.init.zeros_(look.bias)
    return look
