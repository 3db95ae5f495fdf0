"""Loops as machine code: torch does an operation at a time and reads memory at each of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import uuid4

Kernel = TypeVar("Kernel", bound=Callable[..., object])
# Sums may be added up in any order, as vector units do; what is not a number stays so.
ARITHMETIC = {"reassoc", "contract", "nsz"}


def compiled(function: Kernel) -> Kernel:
    """`function` of NumPy arrays as machine code, made at its first call and kept on disk.

    It holds no lock of the interpreter, so that threads run it side by side, and checks no index.
    """
    from numba import config, njit

    if getattr(config, "DISABLE_JIT", False):
        return function
    # what is called becomes part of the caller: linked to it, it would round otherwise when it was
    # just compiled than when it was found on disk; with error_model "numpy", x / 0 is inf
    made = njit(nogil=True, fastmath=ARITHMETIC, error_model="numpy", forceinline=True)(function)
    with suppress(RuntimeError, OSError):  # there is no folder that may be written to
        made.enable_caching()
        with suppress(AttributeError):  # a numba that keeps machine code otherwise does so its way
            _know_by_all_kernels(made)
            _name_files_apart(made)
    return cast(Kernel, made)


def _know_by_all_kernels(made: Any) -> None:
    """Compile anew when any of these files was edited.

    numba asks for the file of the function alone, but what that calls is part of its code.
    """
    files = made._cache._cache_file
    files._source_stamp = (files._source_stamp, _kernels())


@cache
def _kernels() -> str:
    found = sha256()
    for path in sorted(Path(__file__).parent.glob("*_kernels.py")):
        found.update(path.read_bytes())
    found.update(Path(__file__).read_bytes())
    return found.hexdigest()


def _name_files_apart(made: Any) -> None:
    """Let no two processes that keep machine code at once do so under one name.

    numba numbers the files of a function: of two types of values that two processes meet at the
    same time, one would be found under the other's number for ever after.
    """
    files = made._cache._cache_file
    stem = Path(files._index_name).stem
    files._data_name = lambda _: f"{stem}.{uuid4().hex}.nbc"
