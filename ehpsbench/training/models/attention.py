"""Attention and the blocks that trunk and heads are made of."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Multi-head attention of (B, Q, D) on (B, K, D)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(B, Q, D) and (B, K, D) → (B, Q, D)."""
        count, _, dim = x.shape
        width = dim // self.heads
        query = self.query(x).view(count, -1, self.heads, width).transpose(1, 2)
        key_value = self.key_value(context).view(count, -1, 2, self.heads, width)
        key, value = key_value.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return cast(Tensor, self.out(mixed.transpose(1, 2).flatten(2)))


def mlp(dim: int, ratio: int) -> nn.Sequential:
    """(..., D) → (..., D) through a GELU layer that is `ratio` times as wide."""
    return nn.Sequential(nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim))


class Block(nn.Module):
    """Pre-norm self-attention and MLP."""

    def __init__(self, dim: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(dim), Attention(dim, heads)
        self.mlp_norm, self.mlp = nn.LayerNorm(dim), mlp(dim, ratio)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, D) → (B, N, D)."""
        normed = self.norm(x)
        x = x + self.attention(normed, normed)
        return cast(Tensor, x + self.mlp(self.mlp_norm(x)))


class DecoderBlock(nn.Module):
    """Pre-norm self-attention, cross-attention to the image, MLP."""

    def __init__(self, dim: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.block = Block(dim, heads, ratio)
        self.norm, self.cross = nn.LayerNorm(dim), Attention(dim, heads)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        """Queries (B, Q, D) and image tokens (B, P, D) → (B, Q, D)."""
        return cast(Tensor, self.block(x + self.cross(self.norm(x), image)))
