"""Object keypoint similarity between detections and people."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ehpsbench.metrics.arguments import check_tensors
from ehpsbench.metrics.card import MetricCard

EPSILON = 2.0**-52  # the spacing of 1, which pycocotools adds to areas

CARD = MetricCard(
    title="Object keypoint similarity",
    unit="1",
    better="higher",
    definition=(
        "Mean over the person's labelled joints of exp(−d² / (2·(2σ)²·area)): d in px, σ the "
        "joint's tolerance, area that of the person, also for hands, feet and face."
    ),
    source="Lin et al. 2014; pycocotools 2.0.11 and xtcocotools 1.14.3, computeOks.",
    others=(
        "CrowdPose and xtcocotools with use_area=False take 0.53·w·h of the box as the area. "
        "mmpose's suppression takes the mean area of two detections and all joints."
    ),
    undefined=(
        "A person without labelled joints is compared with a box three times its size, over all "
        "joints; NaN without a box. Detections, labelled joints and areas that are not finite are "
        "refused."
    ),
)


def score(
    detections: Tensor,
    people: Tensor,
    visible: Tensor,
    area: Tensor,
    sigmas: Sequence[float] | Tensor,
    *,
    box: Tensor | None = None,
) -> Tensor:
    """Similarity of every detection to every person of an image; leading dimensions are images.

    Args:
        detections: (..., D, K, 2) detected joints [px].
        people: (..., P, K, 2) labelled joints [px]; anything where not visible.
        visible: (..., P, K) above 0 where a joint is labelled, hidden or not: flags, or COCO's v.
        area: (..., P) of the people [px²].
        sigmas: (K,) tolerance of each joint; see `ehpsbench.metrics.oks_sigmas`.
        box: (..., P, 4) x, y, w, h of the people [px], for those without labelled joints; NaN
            where there is none.

    Returns:
        (..., D, P) from 0 to 1, float64.

    Raises:
        ValueError: shapes do not fit, a detection or labelled joint is not finite, or an area is
            negative or not finite.
    """
    check_tensors(detections=detections, people=people, visible=visible, area=area, box=box)
    _check(detections, people, visible, area)
    said = detections.detach().double().unsqueeze(-3)
    offset = said - people.detach().double().unsqueeze(-4)
    labelled = visible > 0
    if box is not None:
        boxed = ~labelled.any(-1) & box.isfinite().all(-1)
        labelled = labelled | boxed[..., None]
        each = said.expand_as(offset).transpose(-4, -3)[boxed]
        offset.transpose(-4, -3)[boxed] = _outside(each, box.detach().double()[boxed])
    tolerance = torch.as_tensor(sigmas, dtype=torch.float64, device=people.device)
    distance = offset[..., 0] ** 2 + offset[..., 1] ** 2
    size = 2 * (area.detach().double() + EPSILON)[..., None, :, None]
    similar = torch.exp(-(distance / (2 * tolerance) ** 2 / size))
    similar = similar.masked_fill(~labelled.unsqueeze(-3), 0.0)
    return similar.sum(-1) / labelled.sum(-1).double().unsqueeze(-2)


def _outside(points: Tensor, box: Tensor) -> Tensor:
    """How far points (N, D, K, 2) lie outside boxes (N, 4) grown by their size on every side."""
    corner, size = box[:, None, None, :2], box[:, None, None, 2:]
    return (corner - size - points).clamp(min=0) + (points - corner - 2 * size).clamp(min=0)


def _check(detections: Tensor, people: Tensor, visible: Tensor, area: Tensor) -> None:
    joints = people.shape[-2]
    if people.shape[-1] != 2 or detections.shape[-2:] != (joints, 2):
        raise ValueError(
            f"detections must be (..., D, {joints}, 2) for people {tuple(people.shape)}, they are "
            f"{tuple(detections.shape)}"
        )
    if visible.shape != people.shape[:-1] or area.shape != people.shape[:-2]:
        raise ValueError(
            f"visible must be {tuple(people.shape[:-1])} and area {tuple(people.shape[:-2])}, they "
            f"are {tuple(visible.shape)} and {tuple(area.shape)}"
        )
    if not detections.isfinite().all():
        raise ValueError("detections hold values that are not finite; leave those people out")
    if not people.isfinite().all(-1)[visible > 0].all():
        raise ValueError("people hold values that are not finite where joints are labelled")
    if not ((area >= 0) & area.isfinite()).all():
        raise ValueError("area holds values that are negative or not finite")
