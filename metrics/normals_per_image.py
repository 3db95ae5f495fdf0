"""Angular error of surface normals, each number the mean over images of the image's own."""

from __future__ import annotations

import torch
from torch import Tensor

from ehpsbench.metrics.angular_error import (
    EDGES_BELOW,
    WITHIN,
    ZeroTruth,
    histogram,
    median,
    of_images,
    together,
)
from ehpsbench.metrics.card import MetricCard

CARD = MetricCard(
    title="Angular error of surface normals, mean over images",
    unit="degrees; % for within_t",
    better="lower",
    definition=(
        "Of the valid pixels of each image: mean, median and rmse of the angle between predicted "
        "and true normal, and within_t, the share below t = 5, 7.5, 11.25, 22.5 and 30° (better "
        "when higher); then their means over images. The median is exact."
    ),
    source="Marigold b1dffaa src/util/metric.py:194-257. Differs: nothing is rounded.",
    others=(
        "DSINE, whose numbers are the published ones, pools pixels: normals. Marigold rounds to 4 "
        "decimals, and one empty image makes its means NaN. Its median of an even number of "
        "pixels may be the lower of the two in the middle; here, as in DSINE, it is their mean."
    ),
    undefined=(
        "A zero prediction is at 90°; a zero truth is left out, unless asked for. An image "
        "without a valid pixel is left out and counted; no image: NaN. A vector that is not "
        "finite makes mean, median and rmse NaN and is outside every threshold."
    ),
)
ERRORS = ("mean", "median", "rmse")
COUNTS = ("images", "images_left_out", "images_not_finite", "pixels")
COLUMNS = (*(f"{name}_sum" for name in (*ERRORS, *WITHIN)), *COUNTS)


def score(
    pred: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    *,
    zero_truth: ZeroTruth = "leave_out",
) -> Tensor:
    """The numbers of each image, and what was left out of them.

    Args:
        pred: (B, 3, ...) predicted normals of any length.
        target: (B, 3, ...) true normals of any length, same axes.
        valid: (B, ...) which pixels count; None: all.
        zero_truth: a true vector of length 0 is left out, or at 90° to everything.

    Returns:
        (B, 12) float64, see `COLUMNS`: the image's numbers (0 where it has none) and counts.

    Raises:
        ValueError: the shapes do not fit.
    """
    images = of_images(_part, pred, target, valid, zero_truth)
    rows = [_row(parts) for parts in images]
    return torch.stack(rows) if rows else pred.new_zeros((0, len(COLUMNS)), dtype=torch.float64)


def numbers(sums: Tensor) -> dict[str, Tensor]:
    """`mean`, `median`, `rmse` [degrees], `within_5` ... [%] and counts from (..., 12) sums."""
    stored = dict(zip(COLUMNS, sums.to(torch.float64).unbind(-1), strict=True))
    found = {name: stored[f"{name}_sum"] / stored["images"] for name in (*ERRORS, *WITHIN)}
    broken = stored["images_not_finite"] > 0
    found |= {name: torch.where(broken, torch.nan, found[name]) for name in ERRORS}
    return found | {name: stored[name] for name in COUNTS}


def _part(errors: Tensor) -> tuple[Tensor, Tensor]:
    """The angles of a portion, their sum and sum of squares."""
    return errors.clone(), torch.stack([errors.sum(), errors.dot(errors)])


def _row(parts: list[tuple[Tensor, Tensor]]) -> Tensor:
    errors = together([part for part, _ in parts])
    if not len(errors):
        row = errors.new_zeros(len(COLUMNS))
        row[COLUMNS.index("images_left_out")] = 1.0
        return row
    mean, square = torch.stack([sums for _, sums in parts]).sum(0) / len(errors)
    one, nothing = errors.new_ones(()), errors.new_zeros(())
    finite = bool(mean.isfinite())
    sums = [nothing] * len(ERRORS)
    if finite:
        sums = [mean, median(errors), square.sqrt()]
    counts = histogram(errors if finite else errors[errors.isfinite()]).double()
    shares = [100.0 * counts[:edge].sum() / len(errors) for edge in EDGES_BELOW]
    return torch.stack(
        [*sums, *shares, one, nothing, nothing if finite else one, one * len(errors)]
    )
