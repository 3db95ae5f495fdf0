"""What a step sends to the device, without waiting for what the device still does."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


def sent(values: Tensor, device: torch.device) -> Tensor:
    """The same on a device; a GPU copies from pinned memory while this process goes on."""
    if device.type == "cuda" and values.device.type == "cpu":
        values = values.pin_memory()
    return values.to(device, non_blocking=True)


@lru_cache(maxsize=64)
def constant(values: tuple[float, ...], device: torch.device) -> Tensor:
    """(n,) float32 that stay on the device: made anew, they would hold up every step."""
    return torch.tensor(values, dtype=torch.float32).to(device)


@lru_cache(maxsize=64)
def indices(values: tuple[int, ...], device: torch.device) -> Tensor:
    """(n,) int64 that stay on the device; a list as an index would be sent anew every time."""
    return torch.tensor(values, dtype=torch.int64).to(device)
