"""Writes a .cdf file of version 3 with one variable, as it is or packed by gzip."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["save_cdf"]

MAGIC, WHOLE = 0xCDF30001, 0x0000FFFF
LITTLE_ENDIAN, ROWS_ONE_FILE, FLOAT, GZIP = 6, 3, 44, 5
VARIES, PACKED = 1, 4  # flags of a variable
CDR, GDR, VXR, VVR, Z_VDR, CPR, CVVR = 1, 2, 6, 7, 8, 11, 13


def save_cdf(path: Path, name: str, values: ArrayLike, *, packed: bool = True) -> None:
    """Write (records, …) numbers as 32-bit floats under a name."""
    array = np.asarray(values, "<f4")
    sides = array.shape[1:]
    words = b"CDF".ljust(256, b"\0")
    general = 8 + 12 + 8 + 9 * 4 + len(words)
    variable = general + 8 + 4 + 4 * 8 + 5 * 4 + 8 + 3 * 4
    index = variable + 12 + 8 + 8 + 2 * 8 + 7 * 4 + 8 + 4 + 256 + 4 + 8 * len(sides)
    packing = index + 12 + 8 + 8 + 8 + 8
    data = packing + (12 + 4 * 4 if packed else 0)
    last = len(array) - 1
    flags = VARIES | (PACKED if packed else 0)
    about = (0, FLOAT, last, index, index, flags, 0, 0, 0, 0, 1, 0, packing if packed else -1, 0)
    shape = struct.pack(f">{1 + 2 * len(sides)}i", len(sides), *sides, *(-1,) * len(sides))
    body = array.tobytes()
    squeezed = gzip.compress(body, mtime=0)
    runs = (
        _record(CPR, "iiii", GZIP, 0, 1, 6) + _record(CVVR, "iq", 0, len(squeezed), more=squeezed)
        if packed
        else _record(VVR, "", more=body)
    )
    parts = [
        struct.pack(">II", MAGIC, WHOLE),
        _record(CDR, "q9i", general, 3, 9, LITTLE_ENDIAN, ROWS_ONE_FILE, *(0,) * 5, more=words),
        _record(GDR, "4q5iq3i", 0, variable, 0, data, 0, 0, -1, 0, 1, 0, 0, 0, 0),
        _record(Z_VDR, "qiiqq7iqi", *about, more=name.encode().ljust(256, b"\0") + shape),
        _record(VXR, "qiiiiq", 0, 1, 1, 0, last, data),
        runs,
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(parts))


def _record(kind: int, form: str, *values: int, more: bytes = b"") -> bytes:
    """Size, kind, fields and what comes after them."""
    fields = struct.pack(f">{form}", *values)
    return struct.pack(">qi", 12 + len(fields) + len(more), kind) + fields + more
