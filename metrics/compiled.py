"""Loops as machine code: torch does an operation at a time and reads memory at each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

Kernel = TypeVar("Kernel", bound=Callable[..., None])
# Sums may be added up in any order, as vector units do; what is not a number stays so.
ARITHMETIC = {"reassoc", "contract", "nsz"}


def compiled(function: Kernel) -> Kernel:
    """`function` of NumPy arrays as machine code, made at its first call and kept on disk.

    It holds no lock of the interpreter, so that threads run it side by side, and checks no index.
    """
    from numba import njit

    options = {"nogil": True, "fastmath": ARITHMETIC, "error_model": "numpy"}  # x / 0 is no error
    try:
        made = njit(**options, cache=True)(function)
    except RuntimeError:  # no folder that may be written to
        made = njit(**options)(function)
    return cast(Kernel, made)
