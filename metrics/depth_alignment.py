"""Scale and shift that bring a relative depth map to metres, as the official codes fit them."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ehpsbench.metrics.blocks import over_blocks
from ehpsbench.metrics.pixels import depth_pixels, middle, pixel_mask

Space = Literal["depth", "disparity"]
LEAST_DISPARITY = 1e-3  # 1/m: Marigold and Video Depth Anything clip aligned disparity here
MOMENTS = 5  # pixels, mean prediction, mean truth, spread of the prediction, joint spread


@dataclass(frozen=True, slots=True)
class Line:
    """value ↦ scale · value + shift, kept between two ends, for one image.

    Attributes:
        scale: of the predicted values.
        shift: of them.
        low: least value.
        high: greatest value.
        disparity: the depth is 1 / value.
    """

    scale: float
    shift: float
    low: float
    high: float
    disparity: bool

    def depth(self, pred: Tensor, out: Tensor) -> None:
        """Write predicted values as depth into float64 ones [m]."""
        out.copy_(pred).mul_(self.scale).add_(self.shift)
        if self.low > -math.inf or self.high < math.inf:
            out.clamp_(self.low, self.high)
        if self.disparity:
            out.reciprocal_()


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
        found = torch.empty_like(pred, dtype=torch.float64)
        for image, (said, out) in enumerate(zip(pred, found, strict=True)):
            self.of_image(image, clip).depth(said, out)
        return found

    def of_image(self, image: int, clip: tuple[float, float] | None = None) -> Line:
        """That of one image, with least and greatest depth [m] for its ends."""
        low, high = clip or (-math.inf, math.inf)
        disparity = self.space == "disparity"
        if disparity:
            low, high = max(self.least_disparity, 1 / high), 1 / low if low > 0 else math.inf
        return Line(float(self.scale[image]), float(self.shift[image]), low, high, disparity)


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
    scale, shift, constant = _lines(found)
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
        said, true = said.to(torch.float64), true.to(torch.float64)
        depth = said if space == "depth" else said.reciprocal()
        scales.append(middle(true) / middle(depth))
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
        scale, shift, _ = _lines(found)
        return Alignment(scale, shift, space)
    _, group = torch.unique(sequence.to(found.device), return_inverse=True)
    scale, shift, _ = _lines(_together(found, group))
    return Alignment(scale[group], shift[group], space)


def _moments(pred: Tensor, target: Tensor, space: Space) -> Tensor:
    way = _compiled if pred.is_cpu else _of_portion
    rows = over_blocks(partial(way, space), pred, target, scratch=2) if len(target) else []
    found = target.new_tensor(rows, dtype=torch.float64).reshape(-1, MOMENTS)
    group = torch.zeros(len(rows), dtype=torch.int64, device=found.device)
    return _together(found, group).sum(0)  # none or one


def _compiled(space: Space, _: Tensor, pred: Tensor, target: Tensor) -> list[float]:
    from ehpsbench.metrics.depth_kernels import moments

    found = np.empty(MOMENTS)
    moments(pred.numpy(), target.numpy(), space == "disparity", found)
    return [float(x) for x in found]


def _of_portion(space: Space, room: Tensor, pred: Tensor, target: Tensor) -> list[float]:
    said, true = room.unbind()
    said.copy_(pred)
    true.copy_(target)
    if space == "disparity":
        true.reciprocal_()
    means = float(said.mean()), float(true.mean())
    said.sub_(means[0])  # so centred, its products need no other centre
    return [float(len(true)), *means, float(said.dot(said)), float(said.dot(true))]


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


def _lines(found: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B,) scale, shift, and whether the prediction is constant, of (B, 5) moments."""
    lines = found.new_tensor([_line(*row) for row in found.tolist()]).reshape(-1, 3)
    scale, shift, constant = lines.unbind(-1)
    return scale, shift, constant > 0


def _line(
    count: float, said: float, true: float, spread: float, joint: float
) -> tuple[float, float, bool]:
    if not count:
        return 0.0, 0.0, True
    variance = spread / count
    if not math.isfinite(variance):
        return math.nan, math.nan, False
    # singular values of the columns (prediction, 1), as numpy.linalg.lstsq judges their rank
    trace = variance + said * said + 1
    largest = (trace + math.sqrt(max(trace * trace - 4 * variance, 0.0))) / 2
    if math.sqrt(variance) / largest <= sys.float_info.epsilon * max(count, 2.0):
        flat = true / (said * said + 1)
        return said * flat, flat, True
    return joint / spread, true - joint / spread * said, False
