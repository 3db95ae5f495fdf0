"""Arrow string columns of pandas 2 and 3, decoded from their buffers to arrays of str."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.restricted_pickle.names import Constant, Global

__all__ = ["TABLE"]

OFFSETS = {"string": "<i4", "large_string": "<i8", "str": "<i4", "utf8": "<i4", "large_utf8": "<i8"}


def _type_name(args: tuple[Any, ...]) -> str:
    return str(args[0])


def _buffer(args: tuple[Any, ...]) -> bytes:
    return bytes(args[0]) if isinstance(args[0], bytes | bytearray) else _fail()


def _fail() -> bytes:
    raise TypeError("an Arrow buffer that is not bytes")


def _array(args: tuple[Any, ...]) -> NDArray[np.object_]:
    """(type, length, nulls, offset, [validity, offsets, text], …) as str, None where missing."""
    kind, length, _, start, buffers = args[0][:5]
    if kind not in OFFSETS:
        raise TypeError(f"an Arrow column of type {kind}; only text is read")
    if type(length) is not int or type(start) is not int or length < 0 or start < 0:
        raise ValueError("an Arrow column with a broken length")
    validity, offsets, text = buffers
    ends = np.frombuffer(offsets or b"", OFFSETS[kind])[start : start + length + 1]
    if length and len(ends) != length + 1:
        raise ValueError("an Arrow column with too few offsets")
    values = [(text or b"")[a:b].decode() for a, b in pairwise(ends)]
    present = _present(validity, start, length)
    shown = [value if there else None for value, there in zip(values, present, strict=True)]
    return np.fromiter(shown, dtype=object, count=length)


def _present(validity: bytes | None, start: int, length: int) -> NDArray[Any]:
    if validity is None:
        return np.ones(length, dtype=bool)
    bits = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")
    return bits[start : start + length]


def _chunked(args: tuple[Any, ...]) -> NDArray[np.object_]:
    chunks = list(args[0])
    if any(not isinstance(chunk, np.ndarray) for chunk in chunks):
        raise TypeError("an Arrow column with broken chunks")
    return np.concatenate([np.empty(0, dtype=object), *chunks])


TABLE: dict[tuple[str, str], Global | Constant] = {
    ("pyarrow.lib", "type_for_alias"): Global("pyarrow.lib.type_for_alias", _type_name),
    ("pyarrow.lib", "py_buffer"): Global("pyarrow.lib.py_buffer", _buffer),
    ("pyarrow.lib", "_restore_array"): Global("pyarrow.lib._restore_array", _array),
    ("pyarrow.lib", "chunked_array"): Global("pyarrow.lib.chunked_array", _chunked),
}
