"""Rounding to decimals digit for digit as NumPy and as Python do: official codes use both."""

from __future__ import annotations

import torch
from torch import Tensor

SPLITTER = 134217729.0  # 2²⁷ + 1: halves the 53 bits of a float64


def as_numpy(values: Tensor, decimals: int) -> Tensor:
    """`np.round`: scale, round halves to even, scale back; 118.35 is 1183.5 tenths → 118.4."""
    scale = 10.0**decimals
    return (values.to(torch.float64) * scale).round() / scale


def as_python(values: Tensor, decimals: int) -> Tensor:
    """`round(float, decimals)`: the nearest decimal to the very binary number.

    0.615 is a little less in binary, so it becomes 0.61; `as_numpy` makes 0.62 of it, since
    100 · 0.615 rounds to 61.5. The exact product is kept in two parts to see on which side it is.

    Source:
        Dekker 1971, the error-free product of two floats.
    """
    numbers = values.to(torch.float64)
    scale = 10.0**decimals
    product = numbers * scale
    high, low = _halves(numbers)
    top, tail = _halves(torch.full_like(numbers, scale))
    lost = ((high * top - product) + high * tail + low * top) + low * tail
    down = product.floor()
    half = (product - down) - 0.5
    up = torch.where(half == 0, lost > 0, half > 0)
    even = (half == 0) & (lost == 0)
    rounded = torch.where(even, product.round(), down + up.to(down))
    return torch.where(numbers.isfinite(), rounded / scale, numbers)


def _halves(values: Tensor) -> tuple[Tensor, Tensor]:
    """Two float64 of 26 bits whose sum is `values`."""
    big = SPLITTER * values
    high = big - (big - values)
    return high, values - high
