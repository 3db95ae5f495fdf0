"""Writes .mat files of version 7: numbers, text, columns of cells, and struct arrays."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["save_mat"]

INT8, INT32, UINT32, DOUBLE, MATRIX, COMPRESSED, UTF8 = 1, 5, 6, 9, 14, 15, 16
CELL_CLASS, STRUCT_CLASS, TEXT_CLASS, DOUBLE_CLASS = 1, 2, 4, 6
LONGEST = 32  # characters of the name of a field, with the zero after it


def save_mat(path: Path, content: Mapping[str, Any]) -> None:
    """Write variables, each compressed.

    Args:
        path: of the file.
        content: numbers, which become doubles; text; lists of arrays, which become cells (K, 1);
            mappings, which become structs, or lists of mappings with the same keys, which become
            struct arrays (1, K).
    """
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H2s", 0x0100, b"IM")
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = [zlib.compress(_matrix(name, values)) for name, values in content.items()]
    tagged = [struct.pack("<II", COMPRESSED, len(block)) + block for block in blocks]
    path.write_bytes(header + b"".join(tagged))


def _matrix(name: str, values: Any) -> bytes:
    if isinstance(values, Mapping):
        return _structs(name, [values])
    if isinstance(values, list) and values and isinstance(values[0], Mapping):
        return _structs(name, values)
    if isinstance(values, str):
        content = _element(UTF8, values.encode())
        return _named(TEXT_CLASS, (1, len(values)), name, content)
    if isinstance(values, list):
        cells = [_matrix("", value) for value in values]
        return _named(CELL_CLASS, (len(cells), 1), name, b"".join(cells))
    array = np.atleast_2d(np.asarray(values, np.float64))
    return _named(DOUBLE_CLASS, array.shape, name, _element(DOUBLE, array.tobytes(order="F")))


def _structs(name: str, rows: list[Mapping[str, Any]]) -> bytes:
    """All fields of the first element, then those of the next."""
    fields = b"".join(field.encode().ljust(LONGEST, b"\0") for field in rows[0])
    head = _element(INT32, struct.pack("<i", LONGEST)) + _element(INT8, fields)
    values = b"".join(_matrix("", row[field]) for row in rows for field in rows[0])
    return _named(STRUCT_CLASS, (1, len(rows)), name, head + values)


def _named(kind: int, shape: tuple[int, ...], name: str, content: bytes) -> bytes:
    flags = _element(UINT32, struct.pack("<II", kind, 0))
    sides = _element(INT32, struct.pack(f"<{len(shape)}i", *shape))
    return _element(MATRIX, flags + sides + _element(INT8, name.encode()) + content)


def _element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)
