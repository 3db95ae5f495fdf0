"""Intersection over union of silhouettes."""

from __future__ import annotations

import torch
from torch import Tensor

from ehpsbench.metrics.arguments import check_tensors
from ehpsbench.metrics.card import MetricCard

CARD = MetricCard(
    title="Intersection over union of silhouettes",
    unit="%",
    better="higher",
    definition=(
        "Pixels in both silhouettes / pixels in either: `silhouette_iou` of the pixels of all "
        "images, `silhouette_iou_per_image` the mean of the images' values."
    ),
    source=(
        "STRAPS (Sengupta et al. 2020) ef7235846d metrics/eval_metrics_tracker.py: silhouette_ious "
        "on SSP-3D, whose final number pools pixels and whose per-frame file holds images."
    ),
    others="Papers do not always say which of the two they mean.",
    undefined=(
        "An image with neither silhouette has no value and is left out of the mean. Values that "
        "are not finite are refused: they are neither inside nor outside."
    ),
)
COLUMNS = ("intersection", "union", "iou_sum", "images")


def score(pred: Tensor, target: Tensor) -> Tensor:
    """Areas of the silhouettes of each image, and its IoU.

    Args:
        pred: (B, ...) predicted silhouettes; nonzero is inside.
        target: (B, ...) true silhouettes.

    Returns:
        (B, 4) float64 intersection, union [px], IoU [%] and 1; the last two 0 where both
        silhouettes are empty. See `COLUMNS`.

    Raises:
        ValueError: the shapes differ, or a value is not finite.
    """
    check_tensors(pred=pred, target=target)
    if pred.shape != target.shape or pred.ndim < 2:
        raise ValueError(
            "pred and target must be silhouettes (B, ...) of one shape, got "
            f"{tuple(pred.shape)} and {tuple(target.shape)}."
        )
    for name, given in (("pred", pred), ("target", target)):
        if given.is_floating_point() and not given.isfinite().all():
            raise ValueError(f"{name} holds values that are not finite; write 1 inside, 0 outside")
    said, true = (x.to(torch.bool).flatten(1) for x in (pred, target))
    both, either = (x.sum(1).to(torch.float64) for x in (said & true, said | true))
    iou = torch.where(either > 0, 100 * both / either, 0.0)
    return torch.stack([both, either, iou, (either > 0).to(torch.float64)], -1)


def numbers(sums: Tensor) -> dict[str, Tensor]:
    """`silhouette_iou`, `silhouette_iou_per_image` [%] from (..., 4) summed rows; NaN: no pixel."""
    both, either, iou, images = sums.to(torch.float64).unbind(-1)
    return {"silhouette_iou": 100 * both / either, "silhouette_iou_per_image": iou / images}
