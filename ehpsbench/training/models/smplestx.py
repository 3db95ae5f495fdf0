"""SMPLest-X: task tokens through the trunk and a decoder, then one linear head a group of tokens.

`tokens = "all"` with `decoder_queries = "tokens_and_image"` is the published network: 80 task
tokens and HMR 2.0's decoder over tokens and image features together. Differs from it:

- Four of the 80 (two hand cameras, face root, face camera) answer to linears that no published loss
  reads. They stay as tokens, which all others attend to; their linears are not built, so that every
  parameter here learns.
- Answers are differences from a start: a standing body, or the mean of the training set. Of the
  camera, what differs is the log of the metres that the crop spans, not the logit of a depth.
- HMR's token embedding, which the published code builds and never calls, is not built.

`tokens = "grouped"` is the micro form: seven tokens, and with `token_start = "image"` each starts
from one linear look at the whole patch grid: attention alone needs longer than a small budget to
find out where to look.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from ehpsbench.training.joints import JOINTS, LEFT_HAND, RIGHT_HAND
from ehpsbench.training.models.attention import DecoderBlock, HmrBlock
from ehpsbench.training.models.network import Network
from ehpsbench.training.models.prediction import Prediction
from ehpsbench.training.models.trunk import Trunk, task_tokens
from ehpsbench.training.recipe import Model, Recipe
from ehpsbench.training.rotations import from_six

# In the order of their tokens. Heads: group → numbers out.
LAYOUT = {
    "grouped": {
        name: 1 for name in ("root", "body", "left_hand", "right_hand", "jaw", "shape", "camera")
    },
    "all": {
        "root": 1,
        "body": 21,
        "shape": 10,
        "camera": 1,
        "hand_root": 2,
        "hands": 30,
        "hand_camera": 2,
        "face_root": 1,
        "expression": 10,
        "jaw": 1,
        "face_camera": 1,
    },
}
HEADS = {
    "grouped": {
        "root": 6,
        "body": 126,
        "left_hand": 90,
        "right_hand": 90,
        "hand_root": 12,
        "jaw": 6,
        "expression": 10,
        "shape": 10,
        "camera": 3,
    },
    "all": {
        "root": 6,
        "body": 126,
        "shape": 10,
        "camera": 3,
        "hand_root": 12,
        "hands": 180,
        "expression": 10,
        "jaw": 6,
    },
}
_SHARED = {"hand_root": "body", "expression": "jaw"}  # "grouped": who answers for whom


class SmplestX(Network):
    """Task tokens through the trunk and a decoder, then one head a group."""

    decoder_position: nn.Parameter | None

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        settings = recipe.model
        self.layout = LAYOUT[settings.tokens]
        dim = settings.dim
        self.tokens = task_tokens(settings, sum(self.layout.values()))
        self.trunk = Trunk(settings, recipe.input.height, recipe.input.width)
        self.first_look = (
            nn.Linear(math.prod(self.trunk.grid) * dim, self.tokens[0].numel())
            if settings.token_start == "image"
            else None
        )
        published = settings.decoder_queries == "tokens_and_image"
        self.register_parameter(
            "decoder_position", nn.Parameter(torch.randn(1, 1, dim)) if published else None
        )
        self.decoder = nn.ModuleList(_block(settings) for _ in range(settings.decoder_depth))
        narrowed = nn.Linear(dim, settings.head_dim)
        self.neck = narrowed if published else nn.Sequential(nn.LayerNorm(dim), narrowed, nn.GELU())
        self.heads = nn.ModuleDict(
            {
                name: nn.Linear(self.layout[self._owner(name)] * settings.head_dim, numbers)
                for name, numbers in HEADS[settings.tokens].items()
            }
        )
        for head in self.heads.values():
            nn.init.normal_(cast(nn.Linear, head).weight, std=1e-3)
            nn.init.zeros_(cast(nn.Linear, head).bias)
        self.start_standing()

    def _owner(self, group: str) -> str:
        return group if group in self.layout else _SHARED[group]

    def forward(self, images: Tensor) -> Prediction:
        """Images (B, 3, H, W) in 0–1."""
        image, tokens = self.trunk(images, self.tokens.expand(len(images), -1, -1))
        if self.first_look is not None:
            tokens = tokens + self.first_look(image.flatten(1)).view_as(tokens)
        pieces = self.neck(self._decoded(tokens, image)).split(list(self.layout.values()), 1)
        owned = dict(zip(self.layout, (piece.flatten(1) for piece in pieces), strict=True))
        out = {name: head(owned[self._owner(name)]).float() for name, head in self.heads.items()}
        return self._assembled(out)

    def _decoded(self, tokens: Tensor, image: Tensor) -> Tensor:
        """(B, T, D) task tokens after the decoder has looked at (B, P, D) again."""
        x = tokens
        if self.decoder_position is not None:
            x = torch.cat([tokens, image], 1) + self.decoder_position
        for block in self.decoder:
            x = block(x, image)
        return x[:, : tokens.shape[1]]

    def _assembled(self, out: dict[str, Tensor]) -> Prediction:
        count = len(out["camera"])
        hands = (
            out["hands"] if "hands" in out else torch.cat([out["left_hand"], out["right_hand"]], 1)
        )
        six = torch.zeros(count, JOINTS, 6, device=out["camera"].device)
        six[:, 0] = out["root"]
        six[:, 1:22] = out["body"].view(-1, 21, 6)
        six[:, 22] = out["jaw"]
        six[:, LEFT_HAND] = hands[:, :90].view(-1, 15, 6)
        six[:, RIGHT_HAND] = hands[:, 90:].view(-1, 15, 6)
        start = self.start_six
        betas, expression, camera = torch.split(self.start_other, [10, 10, 3])
        return Prediction(
            rotations=from_six(start[:JOINTS] + six),
            hand_root=from_six(start[JOINTS:] + out["hand_root"].view(-1, 2, 6)),
            betas=betas + out["shape"],
            expression=expression + out["expression"],
            camera=camera + out["camera"],
        )


def _block(settings: Model) -> nn.Module:
    dim, heads = settings.dim, settings.decoder_heads
    ratio = settings.decoder_mlp_ratio or settings.mlp_ratio
    if settings.decoder_queries == "tokens":
        return DecoderBlock(dim, heads, ratio)
    return HmrBlock(dim, heads, settings.decoder_head_dim or dim // heads, ratio)
