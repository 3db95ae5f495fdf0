"""Percentage of correct keypoints: those within a share of each person's own size."""

from __future__ import annotations

import torch
from torch import Tensor

from ehpsbench.metrics.arguments import check_tensors
from ehpsbench.metrics.card import MetricCard

CARD = MetricCard(
    title="Percentage of correct keypoints",
    unit="1",
    better="higher",
    definition=(
        "Share of the labelled joints with |p − g| / normaliser < threshold; the normaliser is a "
        "length of the person in px: box, head or torso. `pck`: mean over joints of the share of "
        "each; `pck_pooled`: share of all."
    ),
    source=(
        "Yang & Ramanan 2013; keypoint_pck_accuracy of mmpose 759b39c. With inclusive=True, labels "
        "of confidence above 0.5 and the longer side of the box: EvaluatorPCK of HaMeR 3a01849, "
        "which is HInt's PCK@0.05."
    ),
    others=(
        "mmpose compares strictly (<), HaMeR does not (≤). HaMeR's mean is NaN as soon as one "
        "joint is labelled nowhere; here, as in mmpose, that joint is left out."
    ),
    undefined=(
        "NaN where no joint is labelled. A person whose normaliser is not a finite number above 0 "
        "does not count, as in mmpose. Labelled joints that are not finite are refused, predicted "
        "or true."
    ),
)


def columns(joints: int) -> tuple[str, ...]:
    """Names of the statistics of so many joints."""
    return tuple(f"{what}_{i}" for what in ("correct", "labelled") for i in range(joints))


COLUMNS: tuple[str, ...] = columns(17)
"""For COCO's 17 joints; `columns` names those of others."""


def score(
    pred: Tensor,
    target: Tensor,
    visible: Tensor,
    normaliser: Tensor,
    *,
    threshold: float = 0.05,
    inclusive: bool = False,
) -> Tensor:
    """Which joints are labelled, and which of them are close enough.

    Args:
        pred: (B, J, 2) predicted joints [px].
        target: (B, J, 2) labelled joints [px]; anything where not visible.
        visible: (B, J) above 0 where a joint is labelled: flags, COCO's v, or confidences.
        normaliser: (B,) size of each person [px], NaN where it is not known; ones for a threshold
            in px.
        threshold: largest error, × normaliser.
        inclusive: whether an error of exactly the threshold is correct.

    Returns:
        (B, 2J) 1 or 0, correct joints first, then labelled ones; see `columns`.

    Raises:
        ValueError: shapes do not fit, or a labelled joint is not finite, predicted or true.
    """
    check_tensors(pred=pred, target=target, visible=visible, normaliser=normaliser)
    if pred.shape != target.shape or pred.ndim != 3 or pred.shape[2] != 2:
        raise ValueError(
            f"pred and target must both be (B, J, 2), they are {tuple(pred.shape)} and "
            f"{tuple(target.shape)}"
        )
    if visible.shape != pred.shape[:2] or normaliser.shape != pred.shape[:1]:
        raise ValueError(
            f"visible must be {tuple(pred.shape[:2])} and normaliser {tuple(pred.shape[:1])}, they "
            f"are {tuple(visible.shape)} and {tuple(normaliser.shape)}"
        )
    pred, target = pred.detach(), target.detach()
    size = normaliser.detach().double()[:, None]
    counted = (visible > 0) & (size > 0) & size.isfinite()
    for name, points in (("pred", pred), ("target", target)):
        if not points.isfinite().all(-1)[counted].all():
            raise ValueError(f"{name} holds values that are not finite where joints are labelled")
    distance = (pred.double() - target.double()).square().sum(-1).sqrt()
    close = distance <= size * threshold if inclusive else distance / size < threshold
    return torch.cat([close & counted, counted], 1).double()


def numbers(sums: Tensor) -> dict[str, Tensor]:
    """The shares, from sums (..., 2J) of rows.

    Returns:
        `pck`, mean over the joints that are labelled anywhere, and `pck_pooled`, each (...).
    """
    correct, labelled = sums.double().chunk(2, -1)
    pooled = correct.sum(-1) / labelled.sum(-1)
    return {"pck": (correct / labelled).nanmean(-1), "pck_pooled": pooled}
