"""MATLAB's .mat files up to version 7, by the layout that MathWorks publishes.

Numbers, cells, structs and text; objects, sparse arrays and functions are not read. Variables that
are not asked for are not unpacked. Files of version 7.3 are HDF5 (`readers.hdf5`).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from math import prod
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
CELL, STRUCT, TEXT, NUMBERS = 1, 2, 4, range(6, 16)  # classes of an array
CODES = {1: "latin1", 2: "latin1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
HEAD = 512  # bytes that hold the name of a variable
MOST = 2**31  # bytes of one variable, unpacked
DEEPEST = 8  # cells and structs within each other
# tags of flags, shape and an empty name, as an array of 1 × 1 has them, and how long they are
ONE, ONE_SIZE = (6, 8, 5, 8, 1, 1, 1, 0), 40
SINGLE = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
LONGEST = 64  # characters of the name of a field
BROKEN = (ValueError, KeyError, IndexError, TypeError, StopIteration, struct.error, zlib.error)


def load_mat(path: Path, *names: str) -> dict[str, Any]:
    """Variables of a file: arrays of numbers, cells as arrays of objects, text.

    A struct array is a dict: field → (N,) values of its N elements, column by column; an array of
    numbers where each element has one, else of objects.

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
    found: dict[str, Any] = {}
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


def _array(content: memoryview, order: str, depth: int = 0) -> Any:
    """What a matrix holds; its values lie column by column."""
    if not len(content):  # an empty cell
        return np.zeros((0, 0))
    parts = _elements(content, order)
    flags, shape, _ = _numbers(*next(parts), order), _numbers(*next(parts), order), next(parts)
    kind = int(flags[0]) & 0xFF
    if kind in NUMBERS:
        return _numbers(*next(parts), order).reshape(tuple(shape), order="F")
    if kind == TEXT:
        return _text(*next(parts), order)
    if kind == CELL and depth < DEEPEST:
        cells = [_array(cell, order, depth + 1) for _, cell in parts]
        return _objects(cells).reshape(tuple(shape), order="F")
    if kind == STRUCT and depth < DEEPEST:
        return _struct(parts, prod(shape.tolist()), order, depth)
    raise ValueError(f"an array of class {kind}, expected numbers, text, cells or structs")


def _struct(
    parts: Iterator[tuple[int, memoryview]], count: int, order: str, depth: int
) -> dict[str, NDArray[Any]]:
    """Fields of `count` elements, which lie one after the other with all of their fields."""
    width, names = int(_numbers(*next(parts), order)[0]), bytes(next(parts)[1])
    if not 0 < width <= LONGEST:
        raise ValueError(f"names of fields of {width} characters")
    pieces = [names[i : i + width] for i in range(0, len(names), width)]
    fields = [piece.partition(b"\0")[0].decode("latin1") for piece in pieces]
    values = [_value(value, order, depth + 1) for _, value in parts]
    if len(values) != count * len(fields):
        raise ValueError(f"{len(values)} values for {count} elements of {len(fields)} fields")
    return {name: _column(values[i :: len(fields)]) for i, name in enumerate(fields)}


def _value(content: memoryview, order: str, depth: int) -> Any:
    """What a field of a struct holds: a Python number if it is one, as most are."""
    if len(content) > ONE_SIZE:
        tags = struct.unpack_from(f"{order}IIIIIIiiII", content)
        if tags[:2] + tags[4:] == ONE and tags[2] & 0xFF in NUMBERS:
            (kind,) = struct.unpack_from(f"{order}I", content, ONE_SIZE)
            small = kind >> 16  # type and size share a word, the data is in the tag
            place = ONE_SIZE + (4 if small else 8)
            return struct.unpack_from(order + SINGLE[kind & 0xFFFF], content, place)[0]
    return _array(content, order, depth)


def _column(values: list[Any]) -> NDArray[Any]:
    """(N,) values of one field."""
    if values and all(isinstance(value, int | float) for value in values):
        return np.asarray(values)
    return _objects(values)


def _objects(values: list[Any]) -> NDArray[Any]:
    table = np.empty(len(values), object)
    for place, value in enumerate(values):
        table[place] = value
    return table


def _text(kind: int, content: memoryview, order: str) -> str:
    code = CODES[kind]
    suffix = {"<": "-le", ">": "-be"}[order] if code in ("utf-16", "utf-32") else ""
    return bytes(content).decode(f"{code}{suffix}")


def _numbers(kind: int, content: memoryview, order: str) -> NDArray[Any]:
    return np.frombuffer(content, order + TYPES[kind])
