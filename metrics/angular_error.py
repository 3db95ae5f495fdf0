"""Angles between predicted and true surface normals: what the metrics of normals share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor

from ehpsbench.metrics.blocks import Result, over_blocks
from ehpsbench.metrics.pixels import measured, selected

ZeroTruth = Literal["right_angle", "leave_out"]
THRESHOLDS = (5.0, 7.5, 11.25, 22.5, 30.0)  # degrees
WITHIN = tuple(f"within_{t:g}".replace(".", "_") for t in THRESHOLDS)
# Histogram of angles: 1/32° wide up to 30°, 1/2° from there to 180°. Both widths are powers of 2,
# so that all thresholds are exact edges and no angle falls on the wrong side by rounding.
FINE, COARSE, TURN = 32, 2, 30
FINE_BINS, COARSE_BINS = FINE * TURN, COARSE * (180 - TURN)
BINS = FINE_BINS + COARSE_BINS
LEAST_LENGTH = 1e-8
ALIGNED = 1 - 1.5e-10  # cosine of 0.001°: beyond, 1e-16 more or less is more than 1e-9°
EDGES_BELOW = tuple(int(FINE * t) for t in THRESHOLDS)


def of_images(
    function: Callable[[Tensor], Result],
    pred: Tensor,
    target: Tensor,
    valid: Tensor | None,
    zero_truth: ZeroTruth,
    *,
    per_degree: int = 1,
) -> Iterator[list[Result]]:
    """What `function` says of the angles of the pixels that count: of each portion, by image.

    Args:
        function: of a portion (n,) of an image's float64 angles, which is written over
            afterwards; called on several threads.
        pred: (B, 3, ...) predicted normals of any length.
        target: (B, 3, ...) true normals of any length.
        valid: (B, ...) which pixels count; None: all.
        zero_truth: a true vector of length 0 is at 90° to everything (DSINE), or left out.
        per_degree: angles are in this part of a degree, a power of 2.

    Raises:
        ValueError: the shapes do not fit.
    """
    mask = _mask(pred, target, valid)
    pred, target = measured(pred), measured(target)
    if zero_truth == "leave_out":
        mask = mask & (target != 0).any(1)
    work = partial(_of_portion, function, 180.0 / torch.pi * per_degree)
    for p, g, here in zip(pred, target, mask, strict=True):
        axes = (axis.reshape(-1) for axis in (*p, *g))
        yield over_blocks(work, here.reshape(-1), *axes, scratch=5)


def _mask(pred: Tensor, target: Tensor, valid: Tensor | None) -> Tensor:
    """(B, ...) which pixels of two (B, 3, ...) maps are valid, after the shapes were checked."""
    if pred.shape != target.shape or pred.ndim < 3 or pred.shape[1] != 3:
        raise ValueError(
            "pred and target must both be normals (B, 3, ...), got "
            f"{tuple(pred.shape)} and {tuple(target.shape)}."
        )
    shape = (len(pred), *pred.shape[2:])
    if valid is None:
        return torch.ones((), dtype=torch.bool, device=pred.device).expand(shape)
    if valid.shape != shape:
        raise ValueError(f"valid must be {shape}, got {tuple(valid.shape)}.")
    return valid.to(device=pred.device, dtype=torch.bool)


def _of_portion(
    function: Callable[[Tensor], Result], unit: float, room: Tensor, mask: Tensor, *axes: Tensor
) -> Result:
    """What `function` says of the angles of the pixels where the mask is true."""
    cosine = (_compiled if mask.is_cpu else _cosine)(axes, mask, room)
    return function(cosine.acos_().mul_(unit))


def angles(pred: Tensor, target: Tensor) -> Tensor:
    """(n,) angle between the columns of (3, n) and (3, n), float64 [degrees].

    Source:
        DSINE ef0c2af utils/utils.py:129-137: torch's cosine similarity (lengths below 1e-8 count
        as 1e-8, so a zero vector is at 90°), clamped, arccos.
    """
    images = of_images(Tensor.clone, pred[None], target[None], None, "right_angle")
    return together(next(images))


def together(portions: Sequence[Tensor]) -> Tensor:
    """(n,) all angles of an image in one."""
    return torch.cat(list(portions)) if portions else torch.zeros(0, dtype=torch.float64)


def _compiled(axes: Sequence[Tensor], mask: Tensor, room: Tensor) -> Tensor:
    """(n,) cosines of the pixels where the mask is true."""
    from ehpsbench.metrics.normal_kernels import cosines

    cosine = room[0, : int(mask.count_nonzero())]
    if len(cosine):
        x, y, z, u, v, w = (_decimals(axis) for axis in axes)
        cosines((x, y, z), (u, v, w), mask.contiguous().numpy(), LEAST_LENGTH**2, cosine.numpy())
        _mend(cosine, lambda: selected(axes, mask))
    return cosine


def _decimals(axis: Tensor) -> NDArray[Any]:
    """(n,) in one piece, float32 or float64."""
    found: NDArray[Any] = (
        axis.to(torch.promote_types(axis.dtype, torch.float32)).contiguous().numpy()
    )
    return found


def _cosine(axes: Sequence[Tensor], mask: Tensor, room: Tensor) -> Tensor:
    """(n,) cosines of the pixels where the mask is true."""
    found = selected(axes, mask)
    squares, cosine = _products(found[:3], found[3:], room[:, : len(found[0])])
    if len(cosine):
        square, other = squares.clamp_(min=LEAST_LENGTH**2).unbind()
        cosine.div_(square.mul_(other).sqrt_())
        _mend(cosine, lambda: found)
    return cosine


def _mend(cosine: Tensor, axes: Callable[[], Sequence[Tensor]]) -> None:
    """Make (n,) cosines those of torch.cosine_similarity to the last digit, where arccos needs it.

    arccos turns an error of 1e-16 next to 0° into 1e-6°; torch's own sum is 20 times slower.
    """
    low, high = (float(x) for x in cosine.aminmax())
    if not -ALIGNED <= low <= high <= ALIGNED:  # also when a vector is not finite
        near = cosine.abs() > ALIGNED
        vectors = [axis[near].to(torch.float64) for axis in axes()]
        said, true = torch.stack(vectors[:3]), torch.stack(vectors[3:])
        cosine[near] = torch.cosine_similarity(said, true, 0, LEAST_LENGTH).clamp_(-1.0, 1.0)


def _products(pred: list[Tensor], target: list[Tensor], room: Tensor) -> tuple[Tensor, Tensor]:
    """(2, n) products p·p and g·g, (n,) p·g, float64; one axis at a time, for the cache."""
    squares, product, both = room[:2], room[2], room[3:]
    for axis, vectors in enumerate(zip(pred, target, strict=True)):
        for copy, given in zip(both, vectors, strict=True):
            copy.copy_(given)
        if axis == 0:
            torch.mul(both, both, out=squares)
            torch.mul(both[0], both[1], out=product)
        else:
            squares.addcmul_(both, both)
            product.addcmul_(both[0], both[1])
    return squares, product


def histogram(errors: Tensor) -> Tensor:
    """(BINS,) int64 how many of (n,) finite angles fall in each bin, the lower edge included."""
    return binned(counted(errors * FINE))


def counted(errors: Tensor) -> Tensor:
    """(5761,) int64 how many of (n,) finite angles [1/32°] are in each; see `binned`."""
    return torch.bincount(errors.to(torch.int32), minlength=180 * FINE + 1)


def binned(counts: Tensor) -> Tensor:
    """(BINS,) the histogram of counts by 1/32°; 180° itself belongs to the last bin."""
    coarse = counts[FINE_BINS:-1].reshape(COARSE_BINS, -1).sum(1)
    coarse[-1] += counts[-1]
    return torch.cat([counts[:FINE_BINS], coarse])


def median_of(counts: Tensor) -> Tensor:
    """(...) median of the angles in (..., BINS) histograms [degrees]; NaN of none.

    Ranks are spread evenly over their bin. It is off by less than the width of the median's bin:
    1/32° below 30°, 1/2° above.
    """
    total = counts.sum(-1, keepdim=True)
    ends = counts.cumsum(-1)
    ranks = torch.cat([((total - 1) / 2).floor(), (total / 2).floor()], -1).clamp(min=0)
    place = torch.searchsorted(ends.contiguous(), ranks, right=True).clamp(max=BINS - 1)
    inside = counts.gather(-1, place)
    before = ends.gather(-1, place) - inside
    share = (ranks - before + 0.5) / inside
    fine = place < FINE_BINS
    lower = torch.where(fine, place / FINE, TURN + (place - FINE_BINS) / COARSE)
    width = torch.where(fine, 1 / FINE, 1 / COARSE)
    middle = (lower + width * share).mean(-1)
    return torch.where(total.squeeze(-1) > 0, middle, torch.nan)


def median(errors: Tensor) -> Tensor:
    """The exact median of (n,) angles, the mean of two in the middle; NaN of none.

    The histogram says where it lies, so that only the angles of one bin are sorted.
    """
    if not len(errors) or not bool(errors.sum().isfinite()):
        return errors.new_full((), torch.nan)
    ends = histogram(errors).cumsum(0)
    lower, upper = (len(errors) - 1) // 2, len(errors) // 2
    first, last = torch.searchsorted(ends, ends.new_tensor([lower, upper]), right=True).tolist()
    near = (errors >= _edge(first)) & (errors < _edge(last + 1) if last + 1 < BINS else True)
    near = errors[near].sort().values
    before = int(ends[first - 1]) if first else 0
    return (near[lower - before] + near[upper - before]) / 2


def _edge(place: int) -> float:
    """Lower edge of a bin [degrees]."""
    return place / FINE if place < FINE_BINS else TURN + (place - FINE_BINS) / COARSE
