"""What a network says of crops: bodies in their views; and where learning starts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ehpsbench.training.joints import JOINTS

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

    def off(self, seen: Tensor, labelled: Tensor, known: Tensor) -> Tensor:
        """(B, 55, 2) how far projected joints are from where they are seen; some heads align parts.

        Args:
            seen: (B, 55, 2) where the prediction's joints are, in crop coordinates.
            labelled: (B, 55, 2) where they should be.
            known: (B, 55) which of these are labelled.
        """
        return seen - labelled


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
