"""Which pixels of an image count."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def pixel_mask(pred: Tensor, target: Tensor, valid: Tensor | None) -> Tensor | None:
    """`valid` as bool on the maps' device, after the shapes were checked; None: all pixels.

    Args:
        pred: (B, ...) maps.
        target: (B, ...) maps alike.
        valid: (B, ...) which pixels count, of any type: nonzero does.

    Raises:
        ValueError: the shapes differ, or there is no dimension of images.
    """
    if pred.shape != target.shape or pred.ndim < 2:
        raise ValueError(
            "pred and target must be maps (B, ...) of one shape, got "
            f"{tuple(pred.shape)} and {tuple(target.shape)}."
        )
    if valid is None:
        return None
    if valid.shape != pred.shape:
        raise ValueError(f"valid must be {tuple(pred.shape)}, got {tuple(valid.shape)}.")
    return valid.to(device=pred.device, dtype=torch.bool)


def measured(values: Tensor) -> Tensor:
    """The map in a type that torch computes with, without gradients; metrics are not trained.

    16-bit unsigned maps, as PNG holds them, and half floats have almost no operations.
    """
    values = values.detach()
    if values.is_floating_point():
        return values.to(torch.float32) if values.element_size() < 4 else values
    plain = (torch.uint8, torch.int16, torch.int32, torch.int64, torch.bool)
    return values if values.dtype in plain else values.to(torch.int64)


def selected(values: Iterable[Tensor], valid: Tensor | None) -> list[Tensor]:
    """(n,) of each the values where `valid` is true, in order and in one piece; all for None.

    Args:
        values: maps or portions of one shape, without gradients.
        valid: of that shape, bool.
    """
    if valid is None:
        return [x.reshape(-1).contiguous() for x in values]
    if valid.device.type != "cpu":
        return [x.masked_select(valid) for x in values]
    # the same values, 5 times faster than masked_select on regions such as people
    mask = valid.numpy()
    if mask.all():
        return [x.reshape(-1).contiguous() for x in values]
    return [torch.from_numpy(x.numpy()[mask]) for x in values]


def middle(values: Tensor) -> Tensor:
    """Median of (n,) values: the mean of the two in the middle of an even number, NaN of none."""
    if not len(values):
        return values.new_full((), torch.nan)
    lower, upper = (len(values) + 1) // 2, len(values) // 2 + 1
    first = values.kthvalue(lower).values
    return first if lower == upper else (first + values.kthvalue(upper).values) / 2


def depth_pixels(pred: Tensor, target: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
    """(n,) pixels of one image, predicted and true, that are valid and whose truth is a depth.

    Those of whole numbers become float64.
    """
    said, true = (
        x if x.is_floating_point() else x.to(torch.float64)
        for x in selected((measured(pred), measured(target)), valid)
    )
    if len(true):
        # NumPy needs no other core for it
        ends = (true.numpy().min(), true.numpy().max()) if true.is_cpu else true.aminmax()
        low, high = (float(x) for x in ends)
        if not (low > 0 and high < torch.inf):
            known = (true > 0) & true.isfinite()
            said, true = said[known], true[known]
    return said, true
