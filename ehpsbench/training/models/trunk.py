"""A ViT that takes extra tokens beside the patches."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from ehpsbench.training.models.attention import Block, Details
from ehpsbench.training.models.families import FAMILIES
from ehpsbench.training.recipe import Model

TOKEN_STD = 0.5  # as large as patches are: smaller, and places in the crop go unseen for long
PRETRAINED_TOKEN_STD = 0.02  # as both published heads start theirs beside trained patches
ROTARY_BASE = 100.0
# (x − mean) / deviation of RGB in 0–1
NORMALISE = {
    "half": ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def task_tokens(settings: Model, count: int) -> nn.Parameter:
    """(1, count, D) tokens that a head asks its questions with, at their start."""
    std = TOKEN_STD if settings.pretrained == "none" else PRETRAINED_TOKEN_STD
    return nn.Parameter(std * torch.randn(1, count, settings.dim))


class Trunk(nn.Module):
    """A ViT that takes extra tokens beside the patches, of any size and pretrained family.

    Attributes:
        family: whose weights it is made for.
        grid: patches down and across.
        position: (1, P, D) of the patches; None where rotary angles say it.
        prefix: (1, K, D) class token and registers that pretrained weights come with, or None.
        periods: (width / 4,) of the rotary angles, or None.
    """

    position: nn.Parameter | None
    prefix: nn.Parameter | None
    periods: Tensor | None
    mean: Tensor
    deviation: Tensor

    def __init__(self, settings: Model, height: int, width: int) -> None:
        super().__init__()
        self.family, self.patch = settings.pretrained, settings.patch
        family = FAMILIES[settings.pretrained]
        self.grid = (height // settings.patch, width // settings.patch)
        self.stem = _stem(settings, family.padding)
        self.register_parameter(
            "position", task_tokens(settings, math.prod(self.grid)) if family.position else None
        )
        self.register_parameter(
            "prefix", task_tokens(settings, family.prefix) if family.prefix else None
        )
        rates = torch.linspace(0, settings.drop_path, settings.depth, device="cpu").tolist()
        self.blocks = nn.ModuleList(
            Block(
                settings.dim,
                settings.heads,
                settings.mlp_ratio,
                Details(family.eps, rate, family.layer_scale),
            )
            for rate in rates
        )
        self.norm = nn.LayerNorm(settings.dim, family.eps)
        spread = _periods(settings.dim // settings.heads) if family.rotary else None
        self.register_buffer("periods", spread)
        for name, values in zip(("mean", "deviation"), NORMALISE[settings.normalise], strict=True):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)

    def forward(self, images: Tensor, extra: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 3, H, W) in 0–1 and extra tokens (B, T, D) → (B, P, D) and (B, T, D)."""
        patches = self.stem((images - self.mean) / self.deviation).flatten(2).transpose(1, 2)
        if self.position is not None:
            patches = patches + self.position
        x = torch.cat([extra, patches], 1)
        if self.prefix is not None:
            x = torch.cat([self.prefix.expand(len(x), -1, -1), x], 1)
        rotary = None if self.periods is None else self._rotary(self.periods, x.shape[1])
        for block in self.blocks:
            x = block(x, rotary)
        x = self.norm(x)
        count = patches.shape[1]
        return x[:, -count:], x[:, -count - extra.shape[1] : -count]

    def _rotary(self, periods: Tensor, tokens: int) -> Tensor:
        """(2, tokens, width) cosines and sines: those of the patches, which come last."""
        axes = [torch.arange(0.5, n, device=periods.device) / n * 2 - 1 for n in self.grid]
        places = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(0, 1)
        angles = (2 * math.pi * places[..., None] / periods).flatten(1).tile(2)
        still = angles.new_zeros(tokens - len(angles), angles.shape[1])
        whole = torch.cat([still, angles])
        return torch.stack([whole.cos(), whole.sin()])


def _periods(width: int) -> Tensor:
    """(width / 4,) periods of the rotary angles, in half grids."""
    return ROTARY_BASE ** (torch.arange(width // 4) / (width / 4))


def _stem(settings: Model, padding: int) -> nn.Module:
    """(B, 3, H, W) → (B, D, H / patch, W / patch): plain patches, or strides 4, 2, 2 …."""
    if settings.stem == "patch":
        return nn.Conv2d(3, settings.dim, settings.patch, settings.patch, padding)
    channels = [*settings.stem_channels, settings.dim]
    layers: list[nn.Module] = [nn.Conv2d(3, channels[0], 7, 4, 3)]
    for before, after in pairwise(channels):
        layers += [nn.GroupNorm(4, before), nn.ReLU(), nn.Conv2d(before, after, 3, 2, 1)]
    return nn.Sequential(*layers)
