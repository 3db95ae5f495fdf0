"""Scale and shift that bring a relative depth map to metres, as the official codes fit them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ehpsbench.metrics.pixels import blocks, depth_pixels, middle, pixel_mask

Space = Literal["depth", "disparity"]
LEAST_DISPARITY = 1e-3  # 1/m: Marigold and Video Depth Anything clip aligned disparity here
MOMENTS = 5  # pixels, mean prediction, mean truth, spread of the prediction, joint spread


@dataclass(frozen=True, slots=True)
class Alignment:
    """d ↦ scale · d + shift in the space of the prediction, one for each image.

    Attributes:
        scale: (B,) float64.
        shift: (B,) float64.
        space: what was predicted and is fitted: depth, or disparity (1 / depth).
        least_disparity: aligned disparity below it becomes it [1/m].
    """

    scale: Tensor
    shift: Tensor
    space: Space = "depth"
    least_disparity: float = LEAST_DISPARITY

    def __call__(self, pred: Tensor, clip: tuple[float, float] | None = None) -> Tensor:
        """(B, ...) predictions as depth, clipped to least and greatest depth, float64 [m]."""
        images = [self.of_image(i, pixels, clip) for i, pixels in enumerate(pred)]
        return torch.stack(images) if images else pred.to(torch.float64)

    def of_image(self, image: int, pred: Tensor, clip: tuple[float, float] | None = None) -> Tensor:
        """Some pixels of one image as depth, clipped, float64 [m]."""
        slope = float(self.scale[image])
        fitted = torch.add(self.shift[image], pred.to(torch.float64), alpha=slope)
        if self.space == "depth":
            return fitted if clip is None else fitted.clamp_(*clip)
        low, high = (self.least_disparity, torch.inf)
        if clip is not None:
            low, high = max(low, 1 / clip[1]), 1 / clip[0] if clip[0] > 0 else torch.inf
        return fitted.clamp_(low, high).reciprocal_()


def unaligned(count: int, space: Space = "depth", device: torch.device | None = None) -> Alignment:
    """Predictions as they are: metric depth, or 1 / metric depth."""
    zero = torch.zeros(count, dtype=torch.float64, device=device)
    return Alignment(zero + 1.0, zero, space)


def least_squares(
    pred: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    *,
    space: Space = "depth",
    sequence: Tensor | None = None,
) -> Alignment:
    """Scale and shift of least squares, for each image or each sequence.

    Args:
        pred: (B, ...) predicted depth or disparity, up to scale and shift.
        target: (B, ...) true depth [m]; the fit in disparity is to 1 / target.
        valid: (B, ...) which pixels to fit on, the ones that are scored; truth that is not
            finite or not above 0 never counts.
        space: what `pred` is.
        sequence: (B,) whole numbers; images of one number share one fit. None: each its own.

    Returns:
        Where the prediction is constant (or one pixel is valid), the solution of least norm:
        every pixel becomes the mean truth. No valid pixel: scale and shift 0.

    Source:
        Marigold b1dffaa src/util/alignment.py:35-82 and script/depth/eval.py:171-217; with
        `sequence`, Video-Depth-Anything 4f5ae23 benchmark/eval/eval.py:66-121. The closed form
        from centred moments in place of numpy.linalg.lstsq, same solution and same rank rule.
    """
    return from_moments(moments(pred, target, valid, space=space), space=space, sequence=sequence)


def midas(
    pred: Tensor, target: Tensor, valid: Tensor | None = None, *, cap: float = 10.0
) -> Alignment:
    """The fit of MiDaS's BadPixelMetric: in disparity, aligned depth capped.

    Args:
        pred: (B, ...) predicted disparity, up to scale and shift.
        target: (B, ...) true depth [m].
        valid: (B, ...) which pixels to fit on.
        cap: greatest aligned depth [m]: 10 indoors, 80 outdoors.

    Returns:
        Where the prediction is constant, scale and shift 0: every pixel is at the cap.

    Source:
        BadPixelMetric of the authors' gist a1c7a24e. Differs: float64 from centred moments.
    """
    found = moments(pred, target, valid, space="disparity")
    scale, shift, constant = _line(found)
    nothing = torch.zeros_like(scale)
    scale, shift = (torch.where(constant, nothing, x) for x in (scale, shift))
    return Alignment(scale, shift, "disparity", 1.0 / cap)


def median(
    pred: Tensor, target: Tensor, valid: Tensor | None = None, *, space: Space = "depth"
) -> Alignment:
    """A scale for each image, which makes the medians of predicted and true depth equal.

    Args:
        pred: (B, ...) predicted depth or disparity, up to scale.
        target: (B, ...) true depth [m].
        valid: (B, ...) which pixels to fit on.
        space: what `pred` is; the medians are of depth.

    Returns:
        NaN scale without a valid pixel.

    Source:
        monodepth2 b676244 evaluate_depth.py:183-214.
    """
    mask = pixel_mask(pred, target, valid)
    scales = []
    for image in range(len(pred)):
        said, true = depth_pixels(pred[image], target[image], None if mask is None else mask[image])
        said = said.to(torch.float64)
        depth = said if space == "depth" else said.reciprocal()
        scales.append(middle(true.to(torch.float64)) / middle(depth))
    ratio = torch.stack(scales) if scales else pred.new_zeros(0, dtype=torch.float64)
    scale = ratio if space == "depth" else 1.0 / ratio
    return Alignment(scale, torch.zeros_like(scale), space)


def moments(
    pred: Tensor, target: Tensor, valid: Tensor | None = None, *, space: Space = "depth"
) -> Tensor:
    """What a fit needs to know of each image, so that those of a video can be put together.

    Returns:
        (B, 5) float64: number of valid pixels, mean of the prediction, mean of the truth in
        `space`, sums of squares and of products of what remains.
    """
    mask = pixel_mask(pred, target, valid)
    rows = [
        _moments(*depth_pixels(pred[i], target[i], None if mask is None else mask[i]), space)
        for i in range(len(pred))
    ]
    return torch.stack(rows) if rows else pred.new_zeros((0, MOMENTS), dtype=torch.float64)


def from_moments(
    found: Tensor, *, space: Space = "depth", sequence: Tensor | None = None
) -> Alignment:
    """The least-squares fit of (B, 5) moments; see `least_squares`."""
    if sequence is None:
        scale, shift, _ = _line(found)
        return Alignment(scale, shift, space)
    _, group = torch.unique(sequence.to(found.device), return_inverse=True)
    scale, shift, _ = _line(_together(found, group))
    return Alignment(scale[group], shift[group], space)


def _moments(pred: Tensor, target: Tensor, space: Space) -> Tensor:
    parts = [_of_block(pred[b], target[b], space) for b in blocks(len(pred), pred.device)]
    if not parts:
        return pred.new_zeros(MOMENTS, dtype=torch.float64)
    found = torch.stack(parts)
    return _together(found, found.new_zeros(len(found), dtype=torch.int64))[0]


def _of_block(pred: Tensor, target: Tensor, space: Space) -> Tensor:
    said, true = pred.to(torch.float64, copy=True), target.to(torch.float64)
    if space == "disparity":
        true = true.reciprocal()
    means = said.mean(), true.mean()
    said.sub_(means[0])  # so centred, its products need no other centre
    count = means[0].new_full((), len(said))
    return torch.stack([count, *means, said.dot(said), said.dot(true)])


def _together(found: Tensor, group: Tensor) -> Tensor:
    """(G, 5) moments of each group of (B, 5); the parallel-axis theorem, no cancellation."""
    count, means, spread = torch.split(found, [1, 2, 2], dim=-1)
    groups = int(group.max()) + 1 if len(group) else 0

    def summed(values: Tensor) -> Tensor:
        empty = values.new_zeros((groups, values.shape[-1]))
        return empty.index_add(0, group, values)

    total = summed(count)
    mean = summed(count * means) / total.clamp(min=1.0)
    away = means - mean[group]
    return torch.cat([total, mean, summed(spread + count * away[:, :1] * away)], -1)


def _line(found: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B,) scale, shift, and whether the prediction is constant."""
    count, said, true, spread, joint = found.unbind(-1)
    # singular values of the columns (prediction, 1), as numpy.linalg.lstsq judges their rank
    variance = spread / count.clamp(min=1.0)
    trace = variance + said**2 + 1
    largest = (trace + (trace**2 - 4 * variance).clamp(min=0).sqrt()) / 2
    accuracy = torch.finfo(torch.float64).eps * count.clamp(min=2.0)
    constant = ~((variance / largest**2).sqrt() > accuracy) & ~variance.isnan()
    scale = joint / spread
    flat = true / (said**2 + 1)
    return (
        torch.where(constant, said * flat, scale),
        torch.where(constant, flat, true - scale * said),
        constant,
    )
