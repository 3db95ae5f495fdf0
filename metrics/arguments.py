"""What goes into a metric: tensors, and frame rates that say something."""

from __future__ import annotations

import torch
from torch import Tensor


def check_tensors(**given: object) -> None:
    """Refuse arrays of other libraries, by the name of the argument; None is nothing given.

    Raises:
        ValueError: says which argument, and how a tensor is made of it.
    """
    for name, value in given.items():
        if value is not None and not isinstance(value, Tensor):
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            raise ValueError(
                f"{name} must be a torch tensor, it is a {kind.removeprefix('builtins.')}; "
                f"torch.as_tensor({name}) makes one."
            )


def frame_rate(fps: float | Tensor, frames: int, like: Tensor) -> Tensor:
    """Float64 frames a second, one number or (F,); NaN for what is not a finite number above 0.

    Args:
        fps: as given.
        frames: F.
        like: on whose device.

    Raises:
        ValueError: neither one number nor (F,).
    """
    rate = torch.as_tensor(fps, dtype=torch.float64, device=like.device)
    if rate.shape not in ((), (frames,)):
        raise ValueError(f"fps must be one number or {(frames,)}, got {tuple(rate.shape)}.")
    return torch.where((rate > 0) & rate.isfinite(), rate, torch.nan)
