"""Writes .mat files of version 7: numbers, and lists of arrays as columns of cells."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["save_mat"]

INT8, INT32, UINT32, DOUBLE, MATRIX, COMPRESSED = 1, 5, 6, 9, 14, 15
CELL_CLASS, DOUBLE_CLASS = 1, 6


def save_mat(path: Path, content: Mapping[str, ArrayLike | Sequence[ArrayLike]]) -> None:
    """Write variables, each compressed; lists become cells (K, 1), all numbers doubles."""
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H2s", 0x0100, b"IM")
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = [zlib.compress(_matrix(name, values)) for name, values in content.items()]
    tagged = [struct.pack("<II", COMPRESSED, len(block)) + block for block in blocks]
    path.write_bytes(header + b"".join(tagged))


def _matrix(name: str, values: ArrayLike | Sequence[ArrayLike]) -> bytes:
    if isinstance(values, list):
        cells = [_matrix("", value) for value in values]
        return _named(CELL_CLASS, (len(cells), 1), name, b"".join(cells))
    array = np.asarray(values, np.float64)
    return _named(DOUBLE_CLASS, array.shape, name, _element(DOUBLE, array.tobytes(order="F")))


def _named(kind: int, shape: tuple[int, ...], name: str, content: bytes) -> bytes:
    flags = _element(UINT32, struct.pack("<II", kind, 0))
    sides = _element(INT32, struct.pack(f"<{len(shape)}i", *shape))
    return _element(MATRIX, flags + sides + _element(INT8, name.encode()) + content)


def _element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)
