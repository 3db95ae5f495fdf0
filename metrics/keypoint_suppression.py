"""What mmpose does to detections before it scores them: new scores, and OKS suppression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from ehpsbench.metrics import oks

ScoreMode = Literal["submitted", "keypoint", "bbox_keypoint", "bbox_rle"]


def rescored(
    scores: Tensor, confidence: Tensor, mode: ScoreMode, *, threshold: float = 0.2
) -> Tensor:
    """Scores of detections as mmpose's `score_mode` makes them.

    Args:
        scores: (...) of the boxes.
        confidence: (..., K) of the joints.
        mode: `submitted`: as they are; `keypoint`: mean confidence; `bbox_keypoint`: score times
            the mean of the confidences above the threshold, 0 if none is; `bbox_rle`: score +
            mean + highest confidence.
        threshold: of `bbox_keypoint`.

    Returns:
        (...) float64.
    """
    scores, confidence = scores.double(), confidence.double()
    if mode == "submitted":
        return scores
    if mode == "keypoint":
        return _mean(confidence)
    if mode == "bbox_rle":
        return scores + _mean(confidence) + confidence.amax(-1)
    sure = confidence > threshold
    total = torch.where(sure, confidence, 0.0).cumsum(-1)[..., -1]
    return scores * (total / sure.sum(-1).clamp(min=1))


def survivors(
    detections: Tensor,
    scores: Tensor,
    area: Tensor,
    sigmas: Sequence[float] | Tensor,
    *,
    threshold: float = 0.9,
    is_detection: Tensor | None = None,
) -> Tensor:
    """Which detections no better one of their image is nearly the same as.

    Args:
        detections: (I, D, K, 2) joints [px].
        scores: (I, D); of equal ones the last counts as the better, as in mmpose.
        area: (I, D) [px²]; a pair is compared with its mean.
        sigmas: (K,) tolerance of each joint.
        threshold: a similarity above it removes the worse of two.
        is_detection: (I, D) False for padding. None: all.

    Returns:
        (I, D) True for those that stay.
    """
    there = torch.ones_like(scores, dtype=torch.bool) if is_detection is None else is_detection
    ranked = torch.where(there, scores.double(), -torch.inf)
    order = torch.sort(ranked.flip(1), dim=1, descending=True, stable=True).indices
    order = scores.shape[1] - 1 - order
    best = detections.gather(1, order[..., None, None].expand_as(detections))
    size = area.double().gather(1, order)
    alive = there.gather(1, order)
    for rank in range(scores.shape[1] - 1):
        mean = (size[:, rank : rank + 1] + size) / 2
        one = best[:, rank : rank + 1]
        all_joints = torch.ones(best.shape[:-1], dtype=torch.bool, device=best.device)
        similar = oks.score(one, best, all_joints, mean, sigmas)[:, 0]
        same = similar.float() > torch.tensor(threshold)  # float32, as mmpose compares
        same[:, : rank + 1] = False
        alive = alive & ~(same & alive[:, rank : rank + 1])
    return torch.zeros_like(there).scatter(1, order, alive)


def _mean(values: Tensor) -> Tensor:
    return _sum(values) / values.shape[-1]


def _sum(values: Tensor) -> Tensor:
    """Sum over the last axis in NumPy's order: the last bit decides which of two ties is first."""
    count = values.shape[-1]
    if count < 8:
        return values.cumsum(-1)[..., -1]
    if count > 128:
        half = count // 2 - count // 2 % 8
        return _sum(values[..., :half]) + _sum(values[..., half:])
    whole = count - count % 8
    lanes = values[..., :whole].reshape(*values.shape[:-1], -1, 8).cumsum(-2)[..., -1, :]
    while lanes.shape[-1] > 1:
        lanes = lanes[..., ::2] + lanes[..., 1::2]
    return torch.cat([lanes, values[..., whole:]], -1).cumsum(-1)[..., -1]
