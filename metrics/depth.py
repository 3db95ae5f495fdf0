"""Errors of depth maps, each the mean over images of the image's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ehpsbench.metrics.blocks import over_blocks
from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.depth_alignment import Alignment, Line, unaligned
from ehpsbench.metrics.pixels import depth_pixels, pixel_mask

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

    def of_image(image: int) -> list[float]:
        here = None if mask is None else mask[image]
        said, true = depth_pixels(pred[image], target[image], here)
        if len(true) < max(least_pixels, 1):
            return [float(name == "images_left_out") for name in COLUMNS]
        fit, place = _fit(alignment, said, true, image)
        return _row(_sums(said, true, fit.of_image(place, clip)), len(true))

    rows = [of_image(image) for image in range(len(pred))]
    found = torch.tensor(rows, dtype=torch.float64, device=pred.device)
    return found.reshape(-1, len(COLUMNS))


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


def _row(sums: list[float], count: int) -> list[float]:
    errors = _errors([total / count for total in sums])
    finite = [math.isfinite(error) for error in errors]
    linear = all(finite[: len(LINEAR)])
    logs = all(finite[: len(LINEAR) + len(LOGARITHMIC)])
    kept = [error if known else 0.0 for error, known in zip(errors, finite, strict=True)]
    return [*kept, 1.0, 0.0, float(not linear), float(linear and not logs), float(count)]


def _sums(pred: Tensor, target: Tensor, line: Line) -> list[float]:
    """The 10 sums over the pixels of one image: differences, logarithms, pixels that are right."""
    way = _compiled if pred.is_cpu else _of_portion
    found = over_blocks(partial(way, line), pred, target, scratch=5)
    return [sum(part) for part in zip(*found, strict=True)]


def _compiled(line: Line, room: Tensor, pred: Tensor, target: Tensor) -> list[float]:
    from ehpsbench.metrics.depth_kernels import sums

    found, log = np.empty(len(LINEAR) + len(SHARES)), room[0]
    ends = np.array([line.scale, line.shift, line.low, line.high, line.disparity])
    sums(pred.numpy(), target.numpy(), ends, np.array(RATIOS), log.numpy(), found)
    log.log_()
    logs = log.dot(log), log.sum(), log.abs_().sum()
    return [*found[: len(LINEAR)].tolist(), *map(float, logs), *found[len(LINEAR) :].tolist()]


def _of_portion(line: Line, room: Tensor, pred: Tensor, target: Tensor) -> list[float]:
    true, away, relative, sign, log = room.unbind()
    true.copy_(target)
    line.depth(pred, away)
    torch.div(away, true, out=log)
    right = _right(away, true, log)
    torch.sign(torch.sub(log, 1.0, out=relative), out=sign)  # the logarithm's sign too
    away.sub_(true)
    log.log_()
    linear = sign.dot(relative), away.dot(relative), away.dot(away)
    sums = (*linear, log.dot(log), log.sum(), log.dot(sign))
    return [*map(float, sums), *right]


def _right(pred: Tensor, target: Tensor, ratio: Tensor) -> list[float]:
    """Pixels with max(p/g, g/p) below each bound, and not above the first."""
    low, high = (float(x) for x in ratio.aminmax())
    if low > SURE[0] and high < SURE[1]:
        return [float(len(ratio))] * 4
    worst = torch.maximum(ratio, target / pred)
    if not low > 0:  # also when a prediction is not finite
        worst[~(pred > 0)] = torch.inf
    found = [*(worst < bound for bound in RATIOS), worst <= RATIOS[0]]
    return [float(inside.sum()) for inside in found]


def _errors(mean: list[float]) -> list[float]:
    """The errors of an image from the means of `_sums`, in the order of `MEANS`."""
    abs_rel, sq_rel, square, log_square, log, log_size, *right = mean
    return [
        abs_rel,
        sq_rel,
        _root(square),
        _root(log_square),
        log_size / math.log(10.0),
        _root(log_square - 0.5 * log * log),
        100.0 * _root(log_square - log * log),
        *right[:3],
        100.0 * (1.0 - right[3]),
    ]


def _root(value: float) -> float:
    """Square root; 0 for what rounding made negative, NaN for NaN."""
    return 0.0 if value < 0 else math.sqrt(value)
