"""Occluders: boxes and ellipses that hide a part of a crop, as people and things do."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ehpsbench.training.transfer import constant, sent

SMALLEST, LARGEST = 0.15, 0.55  # half a side, of half the crop's
_NOISE = 8  # cells of a patch of noise, each way


@dataclass(frozen=True, slots=True)
class Occluders:
    """One occluder per row, in crop coordinates (edges at ±1).

    Attributes:
        present: (B,) rows that have one.
        middle: (B, 2) x, y.
        half: (B, 2) half its width and height.
        round: (B,) ellipse instead of box.
        noise: (B,) noise instead of a piece of the crop itself, upside down.
        colours: (B, 3, 8, 8) of the noise, 0–1.
        rolled: (B, 2) where the piece comes from: the crop is rolled by this share of its size.
    """

    present: Tensor
    middle: Tensor
    half: Tensor
    round: Tensor
    noise: Tensor
    colours: Tensor
    rolled: Tensor

    @classmethod
    def none(cls, count: int) -> Occluders:
        """Nothing is covered."""
        no, two = torch.zeros(count, dtype=torch.bool), torch.zeros(count, 2)
        return cls(no, two, two, no, no, torch.zeros(count, 3, _NOISE, _NOISE), two)

    @classmethod
    def random(cls, share: float, count: int, rng: np.random.Generator) -> Occluders:
        """Occluders of about `share` of `count` rows; each depends on its own draws alone."""
        if not share:
            return cls.none(count)
        plain = rng.random((count, 9))
        colours = rng.random((count, 3, _NOISE, _NOISE))
        numbers = torch.tensor(plain, dtype=torch.float32)
        return cls(
            present=torch.tensor(plain[:, 0] < share),
            middle=2 * numbers[:, 1:3] - 1,
            half=SMALLEST + (LARGEST - SMALLEST) * numbers[:, 3:5],
            round=numbers[:, 5] < 0.5,
            noise=numbers[:, 6] < 0.5,
            colours=torch.tensor(colours, dtype=torch.float32),
            rolled=numbers[:, 7:9],
        )

    def __getitem__(self, rows: slice) -> Occluders:
        """The occluders of some rows."""
        return Occluders(*(getattr(self, f.name)[rows] for f in fields(self)))

    def to(self, device: torch.device) -> Occluders:
        """The same on a device."""
        return Occluders(*(sent(getattr(self, f.name), device) for f in fields(self)))

    def mask(self, height: int, width: int) -> Tensor:
        """(B, 1, H, W) pixels that are covered."""
        device = self.middle.device
        y = (torch.arange(height, device=device) + 0.5) * (2 / height) - 1
        x = (torch.arange(width, device=device) + 0.5) * (2 / width) - 1
        off_x = ((x - self.middle[:, :1]) / self.half[:, :1].clamp_min(1e-6))[:, None, :]
        off_y = ((y - self.middle[:, 1:]) / self.half[:, 1:].clamp_min(1e-6))[:, :, None]
        box = torch.maximum(off_x.abs(), off_y.abs()) < 1
        ellipse = off_x.square() + off_y.square() < 1
        inside = torch.where(self.round[:, None, None], ellipse, box)
        return (inside & self.present[:, None, None])[:, None]

    def over(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) with their occluders."""
        height, width = images.shape[2:]
        noise = functional.interpolate(self.colours, (height, width), mode="bilinear")
        shift = (self.rolled * constant((width, height), images.device)).long()
        rows = torch.arange(height, device=images.device)
        columns = torch.arange(width, device=images.device)
        y = (-rows[None] - shift[:, 1:]) % height  # upside down
        x = (columns[None] + shift[:, :1]) % width
        here = torch.arange(len(images), device=images.device)[:, None, None]
        piece = images[here, :, y[:, :, None], x[:, None, :]].permute(0, 3, 1, 2)
        texture = torch.where(self.noise[:, None, None, None], noise, piece)
        return torch.where(self.mask(height, width), texture, images)
