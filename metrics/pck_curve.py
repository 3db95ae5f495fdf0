"""Share of points within a threshold, and the area under its curve: what 3DPCK and FreiHAND share.

The area is linear in the hits, so each point has its own: the share of the curve that it adds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Curve:
    """Thresholds from 0 to `last`, and how the area under the curve is taken.

    Attributes:
        last: last threshold, in the unit of the distances.
        steps: how many thresholds, evenly spaced, the first one 0.
        inclusive: a distance equal to the threshold is a hit.
        area: `trapezoid` rule divided by the range, or plain `mean` of the curve's values.
    """

    last: float
    steps: int
    inclusive: bool
    area: Literal["trapezoid", "mean"]

    def thresholds(self, like: Tensor) -> Tensor:
        """(steps,) float64."""
        spaced = torch.arange(self.steps, dtype=torch.float64, device=like.device)
        spaced = spaced * (self.last / (self.steps - 1))
        spaced[-1] = self.last
        return spaced

    def areas(self, distance: Tensor) -> Tensor:
        """Area that each distance adds, 0–1; NaN for NaN."""
        weight = torch.ones(self.steps, dtype=torch.float64, device=distance.device)
        if self.area == "trapezoid":
            weight[[0, -1]] = 0.5
        # what is left of the curve from the first threshold that is hit on
        left = torch.cat([weight.flip(0).cumsum(0).flip(0), weight.new_zeros(1)]) / weight.sum()
        first = torch.searchsorted(
            self.thresholds(distance), distance.contiguous(), right=not self.inclusive
        )
        return torch.where(distance.isnan(), torch.nan, left[first])
