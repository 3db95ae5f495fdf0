"""Errors of depth maps, each the mean over images of the image's own."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.depth_alignment import Alignment, unaligned
from ehpsbench.metrics.pixels import blocks, depth_pixels, each_image, pixel_mask

CARD = MetricCard(
    title="Depth errors: AbsRel, SqRel, RMSE, RMSElog, log10, δ1–δ3, silog",
    unit="1; m for sq_rel and rmse; % for silog_rmse and bad_pixel",
    better="lower",
    definition=(
        "Over the valid pixels of an image, p predicted and g true: abs_rel mean |p−g|/g, sq_rel "
        "mean (p−g)²/g, rmse √mean (p−g)², rmse_log √mean d² with d = ln p − ln g, log10 mean "
        "|log₁₀ p − log₁₀ g|, delta_k share with max(p/g, g/p) < 1.25^k, silog √(mean d² − ½(mean "
        "d)²), silog_rmse 100·√(mean d² − (mean d)²), bad_pixel 100·share with max > 1.25. Then "
        "the mean over images. δ is better when higher."
    ),
    source=(
        "sapiens 3e829ac seg/mmseg/evaluation/metrics/depth_metric.py:94-217, Depth-Anything-V2 "
        "a561b84 metric_depth/util/metric.py:4-26 (silog); Marigold b1dffaa src/util/metric.py, "
        "ZoeDepth d87f17b (silog_rmse); MiDaS, gist a1c7a24e (bad_pixel). Alignment: "
        "depth_alignment."
    ),
    others=(
        "sapiens aligns nothing and one empty image makes its means NaN; Depth Anything skips "
        "images below 10 pixels, as here. silog means two things. All codes count a negative "
        "prediction as right in δ (the ratio is below 1.25); here it is wrong. Some clamp "
        "predictions or keep truth beyond the range."
    ),
    undefined=(
        "An image with fewer than 10 valid pixels is left out and counted; no image: NaN. Truth "
        "that is not finite or not above 0 never counts. A prediction that is not finite is wrong "
        "in δ and makes the other numbers NaN; one that is not positive is wrong in δ and makes "
        "rmse_log, log10, silog and silog_rmse NaN."
    ),
)
LINEAR = ("abs_rel", "sq_rel", "rmse")
LOGARITHMIC = ("rmse_log", "log10", "silog", "silog_rmse")
SHARES = ("delta1", "delta2", "delta3", "bad_pixel")
MEANS = (*LINEAR, *LOGARITHMIC, *SHARES)
COUNTS = ("images", "images_left_out", "images_not_finite", "images_without_log", "pixels")
COLUMNS = (*(f"{name}_sum" for name in MEANS), *COUNTS)
LEAST_PIXELS = 10
RATIOS = (1.25, 1.25**2, 1.25**3)
SURE = (0.8 + 1e-9, 1.25 - 1e-9)  # ratios between are below 1.25 both ways, however rounded
Align = Callable[[Tensor, Tensor], Alignment]


def score(
    pred: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    *,
    alignment: Alignment | Align | None = None,
    clip: tuple[float, float] | None = None,
    least_pixels: int = LEAST_PIXELS,
) -> Tensor:
    """The errors of each image, and what was left out of them.

    Args:
        pred: (B, ...) predicted depth [m], or what `alignment` makes depth.
        target: (B, ...) true depth [m].
        valid: (B, ...) which pixels count, such as people within the range; None: all.
        alignment: from `depth_alignment`, fitted on the same pixels, or a function that fits the
            valid pixels (1, n) of each image, such as `least_squares`; None: metric depth.
        clip: least and greatest depth that a prediction is clipped to [m]; None: as it is.
        least_pixels: images with fewer valid pixels are left out.

    Returns:
        (B, 16) float64, see `COLUMNS`: the image's errors (0 where it has none) and counts.

    Raises:
        ValueError: the shapes differ.
    """
    mask = pixel_mask(pred, target, valid)

    def of_image(image: int) -> Tensor:
        here = None if mask is None else mask[image]
        said, true = depth_pixels(pred[image], target[image], here)
        if len(true) < max(least_pixels, 1):
            return _left_out(pred.device)
        fit, place = _fit(alignment, said, true, image)
        parts = [
            _sums(fit.of_image(place, said[part], clip), true[part].to(torch.float64))
            for part in blocks(len(true), pred.device)
        ]
        return _row(torch.stack(parts).sum(0), len(true))

    rows = each_image(of_image, len(pred), pred.device)
    return torch.stack(rows) if rows else pred.new_zeros((0, len(COLUMNS)), dtype=torch.float64)


def numbers(sums: Tensor) -> dict[str, Tensor]:
    """The numbers of a set.

    Args:
        sums: (..., 16) sums of rows.

    Returns:
        `MEANS` and `COUNTS` by name, (...) each; NaN where not defined.
    """
    stored = dict(zip(COLUMNS, sums.to(torch.float64).unbind(-1), strict=True))
    broken = stored["images_not_finite"] > 0
    found = {name: stored[f"{name}_sum"] / stored["images"] for name in MEANS}
    for name in (*LINEAR, *LOGARITHMIC):
        lost = broken if name in LINEAR else broken | (stored["images_without_log"] > 0)
        found[name] = torch.where(lost, torch.nan, found[name])
    return found | {name: stored[name] for name in COUNTS}


def _fit(
    alignment: Alignment | Align | None, said: Tensor, true: Tensor, image: int
) -> tuple[Alignment, int]:
    """The alignment of an image, and its place in it."""
    if alignment is None:
        return unaligned(1, device=said.device), 0
    if isinstance(alignment, Alignment):
        return alignment, image
    return alignment(said[None], true[None]), 0


def _left_out(device: torch.device) -> Tensor:
    row = torch.zeros(len(COLUMNS), dtype=torch.float64, device=device)
    row[COLUMNS.index("images_left_out")] = 1.0
    return row


def _row(sums: Tensor, count: int) -> Tensor:
    errors = _errors(sums / count)
    finite = errors.isfinite()
    linear = finite[: len(LINEAR)].all()
    logs = finite[: len(LINEAR) + len(LOGARITHMIC)].all()
    one = torch.ones_like(errors[0])
    counts = [one, 0.0 * one, (~linear).double(), (linear & ~logs).double(), count * one]
    return torch.cat([torch.where(finite, errors, 0.0), torch.stack(counts)])


def _sums(pred: Tensor, target: Tensor) -> Tensor:
    """Sums over some pixels of one image: differences, logarithms, and pixels that are right."""
    ratio = pred / target
    right = _right(pred, target, ratio)
    away, relative = pred.sub_(target), ratio - 1.0
    linear = away.dot(relative), away.dot(away)
    sign = torch.sign(relative, out=away)  # of the logarithm too: products in place of sizes
    log = ratio.log_()
    logs = log.dot(log), log.sum(), log.dot(sign)
    return torch.cat([torch.stack([relative.dot(sign), *linear, *logs]), right])


def _right(pred: Tensor, target: Tensor, ratio: Tensor) -> Tensor:
    """(4,) pixels with max(p/g, g/p) below each bound, and not above the first."""
    low, high = ratio.aminmax()
    if bool((low > SURE[0]) & (high < SURE[1])):
        return torch.full((4,), len(ratio), dtype=torch.float64, device=ratio.device)
    worst = torch.maximum(ratio, target / pred)
    if bool(low < 0):
        worst[pred < 0] = torch.inf
    found = [*(worst < bound for bound in RATIOS), worst <= RATIOS[0]]
    return torch.stack(found).sum(1).double()


def _errors(mean: Tensor) -> Tensor:
    """(11,) the errors of an image from the means of `_sums`, in the order of `MEANS`."""
    abs_rel, sq_rel, square, log_square, log, log_size = mean[:6].unbind()
    return torch.stack(
        [
            abs_rel,
            sq_rel,
            square.sqrt(),
            log_square.sqrt(),
            log_size / math.log(10.0),
            (log_square - 0.5 * log**2).clamp(min=0).sqrt(),
            100.0 * (log_square - log**2).clamp(min=0).sqrt(),
            *mean[6:9].unbind(),
            100.0 * (1.0 - mean[9]),
        ]
    )
