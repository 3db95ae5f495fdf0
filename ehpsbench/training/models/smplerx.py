"""SMPLer-X: task tokens, joints as heatmaps, boxes of hands and face, a closer look at hands.

As published, with 31 task tokens through the trunk. Differs from it:

- The heatmaps of the body are of SMPL-X's joints 0 to 24 (body, jaw, eyes), those of a hand of its
  15 joints and five free points. The published 25 and 20 have toes, heels, ears, nose and finger
  tips, which are no joints of the body model: labels here do not say where they are. The free
  points stay attached, so that they learn to look where it helps the hand's pose.
- Norms are over groups of channels of one crop, not over the batch; see `heatmaps.enlarged`.
- Cells of a heatmap are places in the picture, with no half cell off.
- Answers are differences from a start: a standing body, or the mean of the training set.
- A wrist in the view is what the body's chain makes of it: there is no head of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from ehpsbench.training import virtual_camera
from ehpsbench.training.augment import Batch
from ehpsbench.training.joints import JAW, JOINTS, LEFT_CHAIN, LEFT_HAND, RIGHT_CHAIN, RIGHT_HAND
from ehpsbench.training.models import smplerx_losses
from ehpsbench.training.models.heatmaps import DEPTH, PositionNet, features_at, normed
from ehpsbench.training.models.network import Network
from ehpsbench.training.models.prediction import Prediction
from ehpsbench.training.models.roi import CELLS, HAND_GROWTH, BoxNet, HandFeatures, square
from ehpsbench.training.models.smplerx_losses import BODY_JOINTS, FINGERS, Places
from ehpsbench.training.models.trunk import Trunk, task_tokens
from ehpsbench.training.recipe import Recipe
from ehpsbench.training.rotations import chained, from_six

# In the order of their tokens. Nothing reads those of the hands; the others attend to them.
LAYOUT = {"shape": 1, "camera": 1, "expression": 1, "jaw": 1, "hands": 2, "body": BODY_JOINTS}
ANSWERS = {"shape": 10, "camera": 3, "expression": 10, "jaw": 6}
HAND_POINTS = 20
BODY_ROTATIONS = 22
# What mirroring a body does to the six numbers of a rotation: R → M R M with M = diag(−1, 1, 1).
MIRRORED = (1.0, -1.0, -1.0, -1.0, 1.0, 1.0)


class SmplerX(Network):
    """Task tokens through the trunk, then stage after stage; none teaches the one before."""

    mirrored: Tensor

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        settings, size = recipe.model, recipe.input
        dim, width = settings.dim, settings.head_dim
        self.virtual = settings.camera == "virtual"
        self.aspect = size.width / size.height
        self.tokens = task_tokens(settings, sum(LAYOUT.values()))
        self.trunk = Trunk(settings, size.height, size.width)
        self.answers = nn.ModuleDict(
            {name: _answer(dim, numbers) for name, numbers in ANSWERS.items()}
        )
        self.positions = PositionNet(dim, BODY_JOINTS)
        self.rotations = BodyRotationNet(dim, width, self.trunk.grid)
        self.boxes = BoxNet(dim + BODY_JOINTS * DEPTH, max(width // 2, 1), self.trunk.grid)
        self.hand_features = HandFeatures(dim)
        self.hand_positions = PositionNet(dim, HAND_POINTS)
        self.hand_rotations = HandRotationNet(dim, width)
        self.register_buffer("mirrored", torch.tensor(MIRRORED), persistent=False)
        self.start_standing()

    def forward(self, images: Tensor) -> Places:
        """Images (B, 3, H, W) in 0–1."""
        image, tokens = self.trunk(images, self.tokens.expand(len(images), -1, -1))
        features = image.transpose(1, 2).unflatten(2, self.trunk.grid)
        asked = dict(zip(LAYOUT, tokens.split(list(LAYOUT.values()), 1), strict=True))
        out = {name: ask(asked[name][:, 0]).float() for name, ask in self.answers.items()}
        shares, places = self.positions(features)
        body = self.rotations(asked["body"], places.detach())
        boxes = self.boxes(features, shares.detach())
        rois = square(boxes[:, :2].detach(), self.aspect, HAND_GROWTH)
        points, hands = self._hands(features, rois)
        six = torch.zeros(len(images), JOINTS, 6, device=body.device)
        six[:, :BODY_ROTATIONS] = body
        six[:, JAW] = out["jaw"]
        six[:, LEFT_HAND], six[:, RIGHT_HAND] = hands
        rotations = from_six(self.start_six[:JOINTS] + six)
        betas, expression, camera = torch.split(self.start_other, [10, 10, 3])
        return Places(
            rotations=rotations,
            hand_root=_wrists(rotations),
            betas=betas + out["shape"],
            expression=expression + out["expression"],
            camera=self._camera(camera, out["camera"]),
            places=places,
            points=points,
            boxes=boxes,
            rois=rois,
        )

    def _hands(self, features: Tensor, rois: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Points (B, 2, 20, 3) in the boxes, and what to add to each hand's six (B, 15, 6)."""
        right_hands = self.hand_features(features, rois)
        _, points = self.hand_positions(right_hands)
        left, right = self.hand_rotations(right_hands, points).chunk(2)
        x, others = points.chunk(2)[0].split([1, 2], -1)
        both = torch.stack([torch.cat([-x, others], -1), points.chunk(2)[1]], 1)
        return both, (left * self.mirrored, right)

    def _camera(self, start: Tensor, out: Tensor) -> Tensor:
        if not self.virtual:
            return start + out
        raw = virtual_camera.raw_of(start[None], self.aspect) + out
        return virtual_camera.answer(raw, self.aspect)

    def own_counts(self, batch: Batch) -> dict[str, Tensor]:
        """Labelled boxes, and labelled coordinates of places in heatmaps."""
        return smplerx_losses.own_counts(batch)

    def own_losses(
        self, prediction: Prediction, batch: Batch, counts: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """The terms `boxes` and `positions`, of a prediction of this network."""
        if not isinstance(prediction, Places):
            raise TypeError(f"expected Places, SMPLer-X's answer; got {type(prediction).__name__}")
        return smplerx_losses.own_losses(prediction, batch, counts, self.trunk.grid)


class BodyRotationNet(nn.Module):
    """Each joint's token and where the joint is → root and 21 joints."""

    def __init__(self, dim: int, width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.cells = (grid[1], grid[0], DEPTH)
        self.narrowed = nn.Linear(dim, width)
        self.out = _answer(BODY_JOINTS * (width + 3), BODY_ROTATIONS * 6)

    def forward(self, tokens: Tensor, places: Tensor) -> Tensor:
        """(B, 25, D) and (B, 25, 3) → (B, 22, 6)."""
        joined = torch.cat([self.narrowed(tokens), in_cells(places, self.cells)], -1)
        return cast(Tensor, self.out(joined.flatten(1)).float().unflatten(1, (-1, 6)))


class HandRotationNet(nn.Module):
    """Features at the points of a right hand, and where they are → its 15 joints."""

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.narrowed = nn.Sequential(nn.Conv2d(dim, width, 1), *normed(width))
        self.out = _answer(HAND_POINTS * (width + 3), FINGERS * 6)

    def forward(self, features: Tensor, points: Tensor) -> Tensor:
        """(B, D, 16, 16) and (B, 20, 3) → (B, 15, 6)."""
        # Joints are taught by where they are; the free points by what they do for the pose alone.
        points = torch.cat([points[:, :FINGERS].detach(), points[:, FINGERS:]], 1)
        found = features_at(self.narrowed(features), points[..., :2])
        joined = torch.cat([found, in_cells(points, (CELLS, CELLS, DEPTH))], -1)
        return cast(Tensor, self.out(joined.flatten(1)).float().unflatten(1, (-1, 6)))


def _wrists(rotations: Tensor) -> Tensor:
    """(B, 2, 3, 3) wrists in the view, of (B, 55, 3, 3).

    They teach nothing: there is no root of its own, and of the arm only a labelled body may teach.
    """
    still = rotations.detach().double()  # autocast leaves double alone
    wrists = [chained(still, chain) for chain in (LEFT_CHAIN, RIGHT_CHAIN)]
    return torch.stack(wrists, 1).to(rotations.dtype)


def in_cells(places: Tensor, cells: tuple[int, int, int]) -> Tensor:
    """(..., 3) places in cells from the middle, as far apart as published."""
    axes = zip(places.unbind(-1), cells, strict=True)
    return torch.stack([axis * (count / 2) for axis, count in axes], -1)


def _answer(width: int, numbers: int) -> nn.Linear:
    """A linear whose answers begin near zero: what is added to the start."""
    made = nn.Linear(width, numbers)
    nn.init.normal_(made.weight, std=1e-3)
    nn.init.zeros_(made.bias)
    return made
