"""Nested lists of numbers, as JSON has them, brought into arrays."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["array_of"]

AT_ONCE = 1 << 13  # numbers: they stay in the cache while they are looked at twice


def array_of(rows: Sequence[Any]) -> NDArray[np.float64]:
    """`np.asarray(rows, np.float64)`, some four times as fast for short lists in lists.

    Args:
        rows: (N,) numbers, or lists of numbers of one shape.

    Raises:
        ValueError, TypeError: the rows differ in shape, or hold something else than numbers.
    """
    try:
        return _packed(rows)
    except (TypeError, ValueError, OverflowError, struct.error):  # None, "1.5", ragged: NumPy knows
        return np.asarray(rows, np.float64)


def _packed(rows: Sequence[Any]) -> NDArray[np.float64]:
    shape = _shape(rows)
    size = int(np.prod(shape[1:]))
    if not size:
        raise ValueError("empty rows: an empty text would pass for one")
    result = np.empty(shape)
    step = max(AT_ONCE // size, 1)
    for start in range(0, len(rows), step):
        level: Sequence[Any] = rows[start : start + step]
        count = len(level) * size
        for length in shape[1:]:
            if set(map(len, level)) != {length}:
                raise ValueError("ragged")
            level = list(chain.from_iterable(level))
        struct.pack_into(f"{count}d", result.data, start * size * 8, *level)
    return result


def _shape(rows: object) -> tuple[int, ...]:
    """That of the first row, taken so many times."""
    if not isinstance(rows, list | tuple):
        raise TypeError("no rows")
    shape: list[int] = [len(rows)]
    first: Any = rows
    while len(first) and isinstance(first[0], list | tuple | np.ndarray):
        first = first[0]
        shape.append(len(first))
    return tuple(shape)
