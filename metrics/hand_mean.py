"""The two hands of a person as one value."""

from __future__ import annotations

import torch
from torch import Tensor


def hand_mean(left: Tensor, right: Tensor) -> Tensor:
    """Mean over the hands of each person that have a value.

    Args:
        left: (B,) error of the left hand; NaN where it is not scored.
        right: (B,) error of the right hand; NaN where it is not scored.

    Returns:
        (B,) the mean of both, or the one that is there; NaN where neither is.

    Source:
        OSX, SMPLer-X. SMPLest-X divides by the number of valid hands: 0/0 where there is none.
    """
    return torch.stack([left, right], -1).nanmean(-1)
