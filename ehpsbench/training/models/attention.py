"""Attention and the blocks that trunk and heads are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Multi-head attention of (B, Q, D) on (B, K, D)."""

    def __init__(
        self, dim: int, heads: int, *, width: int | None = None, bias: bool = True
    ) -> None:
        super().__init__()
        self.heads = heads
        self.width = width or dim // heads
        inner = heads * self.width
        self.query = nn.Linear(dim, inner, bias)
        self.key_value = nn.Linear(dim, 2 * inner, bias)
        self.out = nn.Linear(inner, dim)

    def forward(self, x: Tensor, context: Tensor, rotary: Tensor | None = None) -> Tensor:
        """(B, Q, D) and (B, K, D) → (B, Q, D).

        Args:
            x: asks.
            context: answers.
            rotary: (2, Q, width) cosines and sines that turn queries and keys; None: no turn.
        """
        count = len(x)
        query = self.query(x).view(count, -1, self.heads, self.width).transpose(1, 2)
        key_value = self.key_value(context).view(count, -1, 2, self.heads, self.width)
        key, value = key_value.permute(2, 0, 3, 1, 4)
        if rotary is not None:
            query, key = _turned(query, rotary), _turned(key, rotary)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return cast(Tensor, self.out(mixed.transpose(1, 2).flatten(2)))


def _turned(x: Tensor, rotary: Tensor) -> Tensor:
    """(B, heads, N, width) with its first and second half turned into each other."""
    first, second = x.chunk(2, -1)
    turned = x * rotary[0] + torch.cat([-second, first], -1) * rotary[1]
    return turned.to(x.dtype)


def mlp(dim: int, ratio: int) -> nn.Sequential:
    """(..., D) → (..., D) through a GELU layer that is `ratio` times as wide."""
    return nn.Sequential(nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim))


class DropPath(nn.Module):
    """While learning, leaves out a branch for a share of a batch's rows; the others make up for it.

    The rows are drawn from torch's random state of the device.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, D) → (B, N, D)."""
        if self.rate == 0 or not self.training:
            return x
        kept = torch.rand(len(x), 1, 1, device=x.device) >= self.rate
        return x * kept / (1 - self.rate)


@dataclass(frozen=True, slots=True)
class Details:
    """What blocks of one trunk share beside their size.

    Attributes:
        eps: of the layer norms.
        drop_path: share of rows that a branch is left out for.
        layer_scale: whether branches are scaled per channel.
    """

    eps: float = 1e-5
    drop_path: float = 0.0
    layer_scale: bool = False


class Block(nn.Module):
    """Pre-norm self-attention and MLP."""

    scale: nn.Parameter | None
    mlp_scale: nn.Parameter | None

    def __init__(self, dim: int, heads: int, ratio: int, details: Details | None = None) -> None:
        super().__init__()
        details = details or Details()
        self.norm, self.attention = nn.LayerNorm(dim, details.eps), Attention(dim, heads)
        self.mlp_norm, self.mlp = nn.LayerNorm(dim, details.eps), mlp(dim, ratio)
        self.drop_path = DropPath(details.drop_path)
        for name in ("scale", "mlp_scale"):
            start = nn.Parameter(torch.full((dim,), 1e-5)) if details.layer_scale else None
            self.register_parameter(name, start)

    def forward(self, x: Tensor, rotary: Tensor | None = None) -> Tensor:
        """(B, N, D) → (B, N, D)."""
        normed = self.norm(x)
        x = x + self._branch(self.attention(normed, normed, rotary), self.scale)
        return x + self._branch(self.mlp(self.mlp_norm(x)), self.mlp_scale)

    def _branch(self, x: Tensor, scale: Tensor | None) -> Tensor:
        return cast(Tensor, self.drop_path(x if scale is None else x * scale))


class DecoderBlock(nn.Module):
    """Pre-norm cross-attention to the image, self-attention, MLP."""

    def __init__(self, dim: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.block = Block(dim, heads, ratio)
        self.norm, self.cross = nn.LayerNorm(dim), Attention(dim, heads)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        """Queries (B, Q, D) and image tokens (B, P, D) → (B, Q, D)."""
        return cast(Tensor, self.block(x + self.cross(self.norm(x), image)))


class HmrBlock(nn.Module):
    """The decoder block of HMR 2.0: pre-norm self-attention, cross-attention, MLP.

    Source:
        Goel et al. 2023 (4D Humans), as SMPLest-X uses it: heads of their own width, no bias in
        queries, keys and values.
    """

    def __init__(self, dim: int, heads: int, width: int, ratio: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads, width=width, bias=False)
        self.cross_norm = nn.LayerNorm(dim)
        self.cross = Attention(dim, heads, width=width, bias=False)
        self.mlp_norm, self.mlp = nn.LayerNorm(dim), mlp(dim, ratio)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        """Queries (B, Q, D) and image tokens (B, P, D) → (B, Q, D)."""
        normed = self.norm(x)
        x = x + self.attention(normed, normed)
        x = x + self.cross(self.cross_norm(x), image)
        return cast(Tensor, x + self.mlp(self.mlp_norm(x)))
