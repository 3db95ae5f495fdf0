"""Angular error of surface normals, pooled over the pixels of a set."""

from __future__ import annotations

import math
from functools import reduce

import torch
from torch import Tensor

from ehpsbench.metrics.angular_error import (
    BINS,
    EDGES_BELOW,
    FINE,
    WITHIN,
    ZeroTruth,
    binned,
    counted,
    median,
    median_of,
    of_images,
    together,
)
from ehpsbench.metrics.card import MetricCard

CARD = MetricCard(
    title="Angular error of surface normals over all pixels",
    unit="degrees; % for within_t",
    better="lower",
    definition=(
        "arccos of the cosine between predicted and true normal, of all valid pixels of all "
        "images together: mean, median, rmse, and within_t, the share below t = 5, 7.5, 11.25, "
        "22.5 and 30° (better when higher). Shares are exact; the median comes from a stored "
        "histogram and is off by less than 1/32° below 30°, 1/2° above (exact_median has no error)."
    ),
    source=(
        "DSINE ef0c2af utils/utils.py:129-175, projects/dsine/test.py:57-73. Differs: the median, "
        "see above; float64."
    ),
    others=(
        "Marigold averages over images: normals_per_image. In float32 arccos is quantised to "
        "about 0.03°. The axes are not seen here: a wrong sign makes good normals 90-180° off."
    ),
    undefined=(
        "A zero prediction is at 90°; so is a zero truth within the mask, unless left out. No "
        "valid pixel: NaN. A vector that is not finite makes mean, median and rmse NaN and is "
        "outside every threshold."
    ),
)
HISTOGRAM = tuple(f"bin_{i:04d}" for i in range(BINS))
COLUMNS = ("error_sum", "square_sum", "not_finite", *HISTOGRAM)


def score(
    pred: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    *,
    zero_truth: ZeroTruth = "right_angle",
) -> Tensor:
    """Sums and histogram of each image's angular errors.

    Args:
        pred: (B, 3, ...) predicted normals of any length.
        target: (B, 3, ...) true normals of any length, same axes.
        valid: (B, ...) which pixels count; None: all.
        zero_truth: a true vector of length 0 is at 90° to everything, or left out.

    Returns:
        (B, 1263) float64: sum of errors [degrees], of squares, pixels that are not finite, and
        the histogram of the others; see `COLUMNS`.

    Raises:
        ValueError: the shapes do not fit.
    """
    images = of_images(_part, pred, target, valid, zero_truth, per_degree=FINE)
    rows = [_row(parts) for parts in images]
    return torch.stack(rows) if rows else pred.new_zeros((0, len(COLUMNS)), dtype=torch.float64)


def exact_median(
    pred: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    *,
    zero_truth: ZeroTruth = "right_angle",
) -> Tensor:
    """The median over all pixels of images that fit into memory together; see `score`.

    Returns:
        () float64 [degrees], without the histogram's error; NaN where not defined.
    """
    images = of_images(Tensor.clone, pred, target, valid, zero_truth)
    return median(together([part for parts in images for part in parts]).to(pred.device))


def numbers(sums: Tensor) -> dict[str, Tensor]:
    """The numbers of a set.

    Args:
        sums: (..., 1263) sums of rows.

    Returns:
        `mean`, `median`, `rmse` [degrees], `within_5` ... `within_30` [%], `pixels`; (...) each.
    """
    total, square, broken, counts = torch.split(sums.to(torch.float64), [1, 1, 1, BINS], dim=-1)
    total, square, broken = total.squeeze(-1), square.squeeze(-1), broken.squeeze(-1)
    pixels = counts.sum(-1) + broken
    found = {"mean": total / pixels, "median": median_of(counts), "rmse": (square / pixels).sqrt()}
    found = {name: torch.where(broken > 0, torch.nan, value) for name, value in found.items()}
    for name, edge in zip(WITHIN, EDGES_BELOW, strict=True):
        found[name] = 100.0 * counts[..., :edge].sum(-1) / pixels
    return found | {"pixels": pixels}


def _part(errors: Tensor) -> tuple[list[float], Tensor]:
    """Sum, sum of squares and pixels that are not finite, and counts, of angles [1/32°]."""
    broken, total = 0.0, float(errors.sum())
    if not math.isfinite(total):
        finite = errors.isfinite()
        broken, errors = float((~finite).sum()), errors[finite]
        total = float(errors.sum())
    return [total / FINE, float(errors.dot(errors)) / FINE**2, broken], counted(errors)


def _row(parts: list[tuple[list[float], Tensor]]) -> Tensor:
    sums = [sum(column) for column in zip(*(part for part, _ in parts), strict=True)]
    counts = reduce(torch.add, (part for _, part in parts))
    return torch.cat([counts.new_tensor(sums, dtype=torch.float64), binned(counts).double()])
