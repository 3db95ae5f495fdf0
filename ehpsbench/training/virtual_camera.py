"""The virtual camera of SMPLer-X: 5000 px on a 256×192 crop, whatever took the picture.

It looks at the middle of the crop from far away. A body's place before it and the `camera` of a
`Prediction` are two ways to say the same: how many metres the crop's height spans at the pelvis,
and where in the crop the pelvis is.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from ehpsbench.training.models.prediction import SPAN
from ehpsbench.training.transfer import constant

FOCAL, HEIGHT, WIDTH = 5000.0, 256, 192  # px; only their ratios count
TANGENT = HEIGHT / 2 / FOCAL  # half the crop's height over its distance
FARTHEST = FOCAL * 2.5 / (HEIGHT * WIDTH) ** 0.5  # m; a sigmoid of 1: sqrt(f·f·2.5² / (256·192))


def matrix(like: Tensor, aspect: float) -> Tensor:
    """(B, 3, 3) points before the camera [m] → homogeneous crop coordinates; B of `like` (B, …)."""
    scale = constant((1 / (TANGENT * aspect), 1 / TANGENT, 1.0), like.device)
    return torch.diag(scale).expand(len(like), 3, 3)


def answer(raw: Tensor, aspect: float) -> Tensor:
    """What SMPLer-X's camera token says, as `Prediction.camera`.

    Args:
        raw: (B, 3) x and y of the pelvis before the camera [m], and the logit of its depth:
            depth = sigmoid · `FARTHEST`.
        aspect: width / height of the crop.

    Returns:
        (B, 3) log of the metres that the crop's height spans / `SPAN`, and the pelvis in the crop.
    """
    # log of a sigmoid in one go: a crop too near is a large negative number, not −∞
    log_half = functional.logsigmoid(raw[:, 2]) + math.log(FARTHEST * TANGENT)
    half = log_half.exp()
    span = log_half + math.log(2 / SPAN)
    return torch.stack([span, raw[:, 0] / (half * aspect), raw[:, 1] / half], 1)


def raw_of(camera: Tensor, aspect: float) -> Tensor:
    """The inverse of `answer`; a crop that spans more than the camera can say spans just that."""
    half = SPAN / 2 * camera[:, 0].exp()
    share = (half / TANGENT / FARTHEST).clamp(1e-6, 1 - 1e-6)
    x, y = camera[:, 1] * half * aspect, camera[:, 2] * half
    return torch.stack([x, y, torch.logit(share)], 1)
