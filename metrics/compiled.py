"""Loops as machine code: torch does an operation at a time and reads memory at each of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast

Kernel = TypeVar("Kernel", bound=Callable[..., object])
# Sums may be added up in any order, as vector units do; what is not a number stays so.
ARITHMETIC = {"reassoc", "contract", "nsz"}


def compiled(function: Kernel) -> Kernel:
    """`function` of NumPy arrays as machine code, made at its first call and kept on disk.

    It holds no lock of the interpreter, so that threads run it side by side, and checks no index.
    """
    from numba import njit

    made = njit(nogil=True, fastmath=ARITHMETIC, error_model="numpy")(function)  # x / 0 is inf
    with suppress(RuntimeError):  # no folder that may be written to
        made.enable_caching()
    return cast(Kernel, made)
