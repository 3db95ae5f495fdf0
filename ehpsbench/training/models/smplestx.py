"""A micro SMPLest-X: a ViT that carries task tokens, a cross-attention decoder, one head a group.

Differs from SMPLest-X: the decoder's queries are the task tokens alone (theirs are tokens and image
features together), and the tokens that their losses never read (hand cameras, face root, face
camera) are left out, so that "joint" has 76 of their 80. `token_start = "image"` lets every task
token start from one linear look at the whole patch grid: attention alone needs longer than a small
budget to find out where to look.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from ehpsbench.training.joints import JOINTS, LEFT_HAND, RIGHT_HAND
from ehpsbench.training.models.attention import DecoderBlock
from ehpsbench.training.models.network import Network
from ehpsbench.training.models.prediction import Prediction
from ehpsbench.training.models.trunk import TOKEN_STD, Trunk
from ehpsbench.training.recipe import Recipe
from ehpsbench.training.rotations import from_six

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


class SmplestX(Network):
    """Task tokens through the trunk and a decoder, then one head a group."""

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
        self.start_standing()

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
