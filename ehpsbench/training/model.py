"""A micro SMPLest-X: a ViT that carries task tokens, a cross-attention decoder, one head a group.

Differs from SMPLest-X: the decoder's queries are the task tokens alone (theirs are tokens and image
features together), and the tokens that their losses never read (hand cameras, face root, face
camera) are left out, so that "joint" has 76 of their 80. `token_start = "image"` lets every task
token start from one linear look at the whole patch grid: attention alone needs longer than a small
budget to find out where to look.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ehpsbench.training.joints import JOINTS, LEFT_HAND, RIGHT_HAND
from ehpsbench.training.recipe import Model, Recipe
from ehpsbench.training.rotations import from_six, to_six

# group → (tokens when one per joint, numbers out)
GROUPS = {
    "root": (1, 6),
    "body": (21, 126),
    "left_hand": (15, 90),
    "right_hand": (15, 90),
    "hand_root": (2, 12),
    "jaw": (1, 6),
    "expression": (10, 10),
    "shape": (10, 10),
    "camera": (1, 3),
}
_SHARED = {"hand_root": "body", "expression": "jaw"}  # "grouped": who answers for whom
LOOK_WIDTH = 2  # hidden units of the first look, in embedding widths
TOKEN_STD = 0.5  # as large as patches are: smaller, and places in the crop go unseen for long
SPAN = 2.0  # a crop spans about two metres at its person, before anything is learnt


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the network says of B crops, in their views.

    Attributes:
        rotations: (B, 55, 3, 3) joint 0 in the view, the others relative to their parents; the
            eyes look straight ahead.
        hand_root: (B, 2, 3, 3) left and right wrist in the view.
        betas: (B, 10).
        expression: (B, 10).
        camera: (B, 3) log of the metres that the crop's height spans at the person / `SPAN`, and
            the pelvis in the crop (edges at ±1).
    """

    rotations: Tensor
    hand_root: Tensor
    betas: Tensor
    expression: Tensor
    camera: Tensor

    def pelvis(self, tangent: Tensor, aspect: float) -> Tensor:
        """(B, 3) pelvis in the view [m], from the crop's half height over its distance (B,)."""
        half = SPAN / 2 * self.camera[:, 0].exp()
        x, y = self.camera[:, 1], self.camera[:, 2]
        return torch.stack([x * half * aspect, y * half, half / tangent], -1)


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


def _mlp(dim: int, ratio: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim))


class Block(nn.Module):
    """Pre-norm self-attention and MLP."""

    def __init__(self, dim: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(dim), Attention(dim, heads)
        self.mlp_norm, self.mlp = nn.LayerNorm(dim), _mlp(dim, ratio)

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


class Network(nn.Module):
    """Crops → bodies in their views."""

    start_six: Tensor
    start_other: Tensor

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        settings = recipe.model
        self.layout = _token_layout(settings.tokens)
        dim = settings.dim
        count = sum(self.layout.values())
        self.tokens = nn.Parameter(TOKEN_STD * torch.randn(1, count, dim))
        self.trunk = Trunk(settings, recipe.input.height, recipe.input.width)
        self.first_look = (
            nn.Linear(self.trunk.position[0].numel(), self.tokens[0].numel())
            if settings.token_start == "image"
            else None
        )
        self.decoder = nn.ModuleList(
            DecoderBlock(dim, settings.decoder_heads, settings.mlp_ratio)
            for _ in range(settings.decoder_depth)
        )
        self.neck = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, settings.head_dim), nn.GELU())
        self.heads = nn.ModuleDict(
            {
                name: nn.Linear(self._tokens_of(name) * settings.head_dim, GROUPS[name][1])
                for name in GROUPS
            }
        )
        for head in self.heads.values():
            nn.init.normal_(cast(nn.Linear, head).weight, std=1e-3)
            nn.init.zeros_(cast(nn.Linear, head).bias)
        self.register_buffer("start_six", to_six(standing()))
        self.register_buffer("start_other", torch.zeros(23))

    def start_at(
        self, rotations: Tensor, betas: Tensor, expression: Tensor, camera: Tensor
    ) -> None:
        """Make this body the answer to every crop before anything is learnt.

        Args:
            rotations: (57, 3, 3) of the joints, and of the wrists in the view.
            betas: (10,).
            expression: (10,).
            camera: (3,).
        """
        self.start_six.copy_(to_six(rotations))
        self.start_other.copy_(torch.cat([betas, expression, camera]))

    def _tokens_of(self, group: str) -> int:
        return self.layout[self._owner(group)]

    def _owner(self, group: str) -> str:
        return group if group in self.layout else _SHARED[group]

    def forward(self, images: Tensor) -> Prediction:
        """Images (B, 3, H, W) in 0–1."""
        image, tokens = self.trunk(images, self.tokens.expand(len(images), -1, -1))
        if self.first_look is not None:
            tokens = tokens + self.first_look(image.flatten(1)).view_as(tokens)
        for block in self.decoder:
            tokens = block(tokens, image)
        pieces = self.neck(tokens).split(list(self.layout.values()), 1)
        owned = dict(zip(self.layout, (piece.flatten(1) for piece in pieces), strict=True))
        out = {name: head(owned[self._owner(name)]).float() for name, head in self.heads.items()}
        return self._assembled(out)

    def _assembled(self, out: dict[str, Tensor]) -> Prediction:
        count = len(out["camera"])
        six = torch.zeros(count, JOINTS, 6, device=out["camera"].device)
        six[:, 0] = out["root"]
        six[:, 1:22] = out["body"].view(-1, 21, 6)
        six[:, 22] = out["jaw"]
        six[:, LEFT_HAND] = out["left_hand"].view(-1, 15, 6)
        six[:, RIGHT_HAND] = out["right_hand"].view(-1, 15, 6)
        start = self.start_six
        betas, expression, camera = torch.split(self.start_other, [10, 10, 3])
        return Prediction(
            rotations=from_six(start[:JOINTS] + six),
            hand_root=from_six(start[JOINTS:] + out["hand_root"].view(-1, 2, 6)),
            betas=betas + out["shape"],
            expression=expression + out["expression"],
            camera=camera + out["camera"],
        )


def _token_layout(tokens: str) -> dict[str, int]:
    """Group → number of task tokens."""
    if tokens == "joint":
        return {name: count for name, (count, _) in GROUPS.items()}
    return {name: 1 for name in GROUPS if name not in _SHARED}


def standing() -> Tensor:
    """(57, 3, 3) where learning starts: upright, facing the camera, arms 60° down, flat hands.

    The last two are the wrists in the view. Set by hand; not the mean of any data.
    """
    start = torch.eye(3).repeat(JOINTS + 2, 1, 1)
    start[0] = torch.diag(torch.tensor([1.0, -1.0, -1.0]))  # the body's y is up, the camera's down
    cos, sin = 0.5, 0.75**0.5
    lowered = torch.tensor([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    start[16], start[17] = lowered, lowered.T
    start[JOINTS], start[JOINTS + 1] = start[0] @ start[16], start[0] @ start[17]
    return start
