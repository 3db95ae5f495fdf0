"""MATLAB's .mat files up to version 7: numbers and cells, by the layout that MathWorks publishes.

Files of version 7.3 are HDF5 (`readers.hdf5`). Variables that are not asked for are not unpacked.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingFiles

__all__ = ["load_mat"]

HEADER = 128  # bytes; the last two tell the byte order
ORDERS = {b"IM": "<", b"MI": ">"}
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
MATRIX, COMPRESSED = 14, 15
CELL, NUMBERS = 1, range(6, 16)  # classes of an array
HEAD = 512  # bytes that hold the name of a variable
MOST = 2**31  # bytes of one variable, unpacked
DEEPEST = 8  # cells within cells
BROKEN = (ValueError, KeyError, IndexError, TypeError, StopIteration, struct.error, zlib.error)


def load_mat(path: Path, *names: str) -> dict[str, NDArray[Any]]:
    """Variables of a file: arrays of numbers, and cells as arrays of objects.

    Args:
        path: of the file.
        names: of the variables.

    Raises:
        MissingFiles: it is not there.
        InputError: it is no such file, is cut off, or lacks a variable; names it.
    """
    try:
        data = memoryview(path.read_bytes())
    except FileNotFoundError as error:
        raise MissingFiles(f"{path} is not there; is the release complete?") from error
    found: dict[str, NDArray[Any]] = {}
    try:
        order = ORDERS[bytes(data[HEADER - 2 : HEADER])]
        for kind, content in _elements(data[HEADER:], order):
            if kind in (MATRIX, COMPRESSED) and (name := _name(kind, content, order)) in names:
                found[name] = _array(_unpacked(kind, content, order), order)
        return {name: found[name] for name in names}
    except BROKEN as error:
        raise InputError(
            f"{path} is not a whole .mat file of version 5 to 7 with {', '.join(names)} "
            f"({type(error).__name__}: {error}). Download it again."
        ) from error


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Type and bytes of each element; they are padded to 8 bytes, but not the compressed ones."""
    place = 0
    while place + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, place)
        start = place + 8
        if kind >> 16:  # a small element: type and size share a word, the data is in the tag
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
            if size > 4:
                raise ValueError(f"a small element of {size} bytes")
        elif start + size > len(data):
            raise ValueError(f"an element ends at {start + size} of {len(data)} bytes")
        yield kind, data[start : start + size]
        place = max(start + size, place + 8)
        place += 0 if kind == COMPRESSED else -place % 8


def _unpacked(kind: int, content: memoryview, order: str) -> memoryview:
    """The bytes of a matrix."""
    if kind == MATRIX:
        return content
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(content, MOST)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError(f"a variable is cut off or larger than {MOST} bytes")
    kind, content = next(_elements(memoryview(data), order))
    if kind != MATRIX:
        raise ValueError(f"an element of type {kind}, expected an array")
    return content


def _name(kind: int, content: memoryview, order: str) -> str:
    """The name of a variable, without unpacking the rest of it."""
    head = content[:HEAD]
    if kind == COMPRESSED:
        head = memoryview(zlib.decompressobj().decompress(content, HEAD))[8:]
    parts = _elements(head, order)
    _, _, (_, name) = next(parts), next(parts), next(parts)
    return bytes(name).decode("latin1")


def _array(content: memoryview, order: str, depth: int = 0) -> NDArray[Any]:
    """An array; its values lie column by column."""
    if not len(content):  # an empty cell
        return np.zeros((0, 0))
    parts = _elements(content, order)
    flags, shape, _ = _numbers(*next(parts), order), _numbers(*next(parts), order), next(parts)
    kind = int(flags[0]) & 0xFF
    if kind == CELL and depth < DEEPEST:
        cells = [_array(cell, order, depth + 1) for _, cell in parts]
        table = np.empty(len(cells), object)
        for place, cell in enumerate(cells):
            table[place] = cell
        return table.reshape(tuple(shape), order="F")
    if kind not in NUMBERS:
        raise ValueError(f"an array of class {kind}, expected numbers or cells of them")
    return _numbers(*next(parts), order).reshape(tuple(shape), order="F")


def _numbers(kind: int, content: memoryview, order: str) -> NDArray[Any]:
    return np.frombuffer(content, order + TYPES[kind])
