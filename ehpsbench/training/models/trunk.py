"""A ViT that takes extra tokens beside the patches."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ehpsbench.training.models.attention import Block
from ehpsbench.training.recipe import Model

TOKEN_STD = 0.5  # as large as patches are: smaller, and places in the crop go unseen for long


class Trunk(nn.Module):
    """A ViT that takes extra tokens beside the patches; its own weights, any size."""

    def __init__(self, settings: Model, height: int, width: int) -> None:
        super().__init__()
        self.stem = _stem(settings)
        count = (height // settings.patch) * (width // settings.patch)
        self.position = nn.Parameter(TOKEN_STD * torch.randn(1, count, settings.dim))
        self.blocks = nn.ModuleList(
            Block(settings.dim, settings.heads, settings.mlp_ratio) for _ in range(settings.depth)
        )
        self.norm = nn.LayerNorm(settings.dim)

    def forward(self, images: Tensor, extra: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 3, H, W) in 0–1 and extra tokens (B, T, D) → (B, P, D) and (B, T, D)."""
        patches = self.stem((images - 0.5) / 0.25).flatten(2).transpose(1, 2)
        x = torch.cat([extra, patches + self.position], 1)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        return x[:, extra.shape[1] :], x[:, : extra.shape[1]]


def _stem(settings: Model) -> nn.Module:
    """(B, 3, H, W) → (B, D, H / patch, W / patch): plain patches, or strides 4, 2, 2 …."""
    if settings.stem == "patch":
        return nn.Conv2d(3, settings.dim, settings.patch, settings.patch)
    channels = [*settings.stem_channels, settings.dim]
    layers: list[nn.Module] = [nn.Conv2d(3, channels[0], 7, 4, 3)]
    for before, after in pairwise(channels):
        layers += [nn.GroupNorm(4, before), nn.ReLU(), nn.Conv2d(before, after, 3, 2, 1)]
    return nn.Sequential(*layers)
