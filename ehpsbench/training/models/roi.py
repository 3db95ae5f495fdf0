"""Where hands and face are in the crop, and the features of the hands there.

A box is (centre x, centre y, half width, half height) in crop coordinates (edges at ±1).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ehpsbench.training.models.heatmaps import (
    enlarged,
    features_at,
    flat,
    middles,
    sampled,
    soft_argmax,
)

CELLS = 16  # of a hand's features, across and down
START = 0.1  # half of a box before anything is learnt; of a crop's half
SMALLEST = 0.02  # half of what a hand's features are taken from: a hand is never smaller
HAND_GROWTH = 2.0  # published: hands are looked at in twice their box
SAMPLES = 2  # looks at the features within a cell, across and down


class BoxNet(nn.Module):
    """Features and joint heatmaps → boxes of left hand, right hand and face."""

    def __init__(self, dim: int, width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.enlarged = enlarged([dim, width, width, width])
        self.centres = flat(nn.Conv2d(width, 3, 1))
        self.sizes = nn.ModuleList(_size(width, grid) for _ in range(3))

    def forward(self, features: Tensor, shares: Tensor) -> Tensor:
        """(B, C, H, W) and (B, J, Z, H, W) → (B, 3, 4) boxes."""
        x = self.enlarged(torch.cat([features, shares.flatten(1, 2).to(features.dtype)], 1))
        _, centres = soft_argmax(self.centres(x).float())
        there = features_at(x, centres.detach())
        cells = torch.stack([size(there[:, i]) for i, size in enumerate(self.sizes)], 1).float()
        height, width = self.grid
        return torch.cat([centres, cells[..., :1] / width, cells[..., 1:] / height], -1)


def _size(width: int, grid: tuple[int, int]) -> nn.Sequential:
    """(B, width) → (B, 2) cells across and down; starts at `START` of the grid."""
    out = nn.Linear(width, 2)
    nn.init.normal_(out.weight, std=1e-3)
    with torch.no_grad():
        out.bias.copy_(START * torch.tensor([grid[1], grid[0]], device=out.bias.device))
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), out)


def square(boxes: Tensor, aspect: float, growth: float) -> Tensor:
    """(..., 4) boxes as squares in the picture around their middles: the longer side × growth.

    Args:
        boxes: in crop coordinates.
        aspect: width / height of the crop.
        growth: of the side.
    """
    half = torch.maximum(boxes[..., 2] * aspect, boxes[..., 3]).clamp(SMALLEST, 1.0) * growth
    return torch.stack([boxes[..., 0], boxes[..., 1], half / aspect, half], -1)


def roi_align(features: Tensor, boxes: Tensor, cells: int = CELLS) -> Tensor:
    """(B, C, H, W) in one box (B, 4) each → (B, C, cells, cells).

    Each cell is the mean of `SAMPLES`² bilinear looks, evenly spread over it; there is nothing
    beyond the edge.

    Source:
        He et al. 2017 (Mask R-CNN), section 3, with pixels where they are (no half pixel off).
    """
    looks = middles(SAMPLES * cells, boxes)
    whole = torch.stack(torch.meshgrid(looks, looks, indexing="xy"), -1)
    grid = boxes[:, None, None, :2] + whole * boxes[:, None, None, 2:]
    return functional.avg_pool2d(sampled(features, grid), SAMPLES)


class HandFeatures(nn.Module):
    """Features of both hands in their boxes; the left one mirrored, so that all are right hands."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.enlarged = enlarged([dim, max(dim // 2, 1), max(dim // 4, 1)])
        self.widened = nn.Conv2d(max(dim // 4, 1), dim, 1)

    def forward(self, features: Tensor, boxes: Tensor) -> Tensor:
        """(B, D, H, W) and (B, 2, 4) left and right → (2B, D, 16, 16), all left ones first."""
        fine = self.enlarged(features)
        left = roi_align(fine, boxes[:, 0]).flip(-1)
        right = roi_align(fine, boxes[:, 1])
        return cast(Tensor, self.widened(torch.cat([left, right])))
