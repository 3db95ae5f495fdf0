"""What every network is to the loop, and the network that a recipe asks for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ehpsbench.training.models.prediction import Prediction, standing
from ehpsbench.training.rotations import to_six

if TYPE_CHECKING:
    from ehpsbench.training.augment import Batch
    from ehpsbench.training.models.trunk import Trunk
    from ehpsbench.training.recipe import Recipe


class Network(nn.Module, ABC):
    """Crops → bodies in their views. A head adds its layers, then calls `start_standing`.

    Attributes:
        trunk: the ViT, which pretrained weights go into.
        start_six: (57, 6) rotations that every answer starts at: the joints, then the wrists in
            the view.
        start_other: (23,) betas, expression and camera that it starts at.
    """

    trunk: Trunk
    start_six: Tensor
    start_other: Tensor

    def start_standing(self) -> None:
        """Register the start: a standing body, average in all else."""
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

    @abstractmethod
    def forward(self, images: Tensor) -> Prediction:
        """Images (B, 3, H, W) in 0–1."""

    def own_counts(self, batch: Batch) -> dict[str, Tensor]:
        """What the head's own means divide by: labelled entries, from the labels alone."""
        return {}

    def own_losses(
        self, prediction: Prediction, batch: Batch, counts: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Terms that only this head has, before their weights, by the names of `LossWeights`.

        `counts` are those of `own_counts`, added up over all pieces of the batch, so that the
        terms of the pieces add up to those of the whole.
        """
        return {}


def network(recipe: Recipe) -> Network:
    """The network of a recipe, its weights drawn from torch's random state."""
    if recipe.model.head == "smpler-x":
        from ehpsbench.training.models.smplerx import SmplerX

        return SmplerX(recipe)
    from ehpsbench.training.models.smplestx import SmplestX

    return SmplestX(recipe)
