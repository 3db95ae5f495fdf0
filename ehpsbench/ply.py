"""PLY files, as far as they hold triangle meshes: header, vertices and faces of the bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError

__all__ = ["ply_triangles", "ply_vertices"]

Floats = NDArray[np.float64]
_PLY_TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
_BYTE_ORDER = {"binary_little_endian": "<", "binary_big_endian": ">"}
_LONGEST_HEADER = 65_536  # bytes


def ply_triangles(path: Path, data: bytes) -> tuple[Floats, NDArray[np.int64]]:
    """(V, 3) x, y, z and (F, 3) vertex numbers in the bytes of a PLY file, binary or ascii.

    Args:
        path: of the file, for the message.
        data: what it holds.

    Raises:
        InputError: it is cut off, or a face has not three corners.
    """
    header = _header(path, data)
    with _promised(path, header):
        if header.kind == "ascii":
            return _ascii_elements(data[header.size :], header.elements)
        return _binary_elements(data, header)


def ply_vertices(path: Path, data: bytes) -> Floats:
    """The same without faces, which are not looked at; a binary file must have room for them."""
    header = _header(path, data)
    with _promised(path, header):
        if header.kind == "ascii":
            return _ascii_elements(data[header.size :], header.elements)[0]
        found = None
        for element, rows in _binary_rows(data, header):
            if found is None:  # where vertices lie hangs on what comes before them
                _check_corners(element, rows)
            if element.name == "vertex":
                found = _axes(rows)
        return np.zeros((0, 3)) if found is None else found


@dataclass(frozen=True, slots=True)
class _Element:
    """One element of a PLY header: its name, count, scalar properties and list properties."""

    name: str
    count: int
    scalars: tuple[tuple[str, str], ...]
    lists: tuple[tuple[str, str, str], ...]

    def row(self, order: str) -> np.dtype[np.void]:
        """How one of them lies in a binary file whose lists have three items each."""
        fields: list[tuple[str, str] | tuple[str, str, int]] = []
        fields += [(name, order + kind) for name, kind in self.scalars]
        for name, counter, item in self.lists:
            fields += [(f"{name} count", order + counter), (name, order + item, 3)]
        return np.dtype(fields)


@dataclass(frozen=True, slots=True)
class _Header:
    """What a PLY file says of itself, and how many bytes that takes."""

    kind: str
    elements: tuple[_Element, ...]
    size: int
    rows: tuple[np.dtype[np.void], ...]  # of each element; none in ascii


@lru_cache(maxsize=16)  # the meshes of a release mostly have one header
def _parsed(text: bytes) -> _Header:
    """The header of a PLY file, from its first byte to the line feed that ends it.

    Raises:
        ValueError, LookupError: it makes no sense.
    """
    kind, names = "", list[tuple[str, int]]()
    scalars, lists = list[list[tuple[str, str]]](), list[list[tuple[str, str, str]]]()
    for line in text.decode("ascii", "replace").split("\n"):
        match line.split():
            case ["format", name, *_]:
                kind = name
            case ["element", name, count]:
                names.append((name, int(count)))
                if int(count) < 0:
                    raise ValueError(f"{count} {name}")
                scalars.append([])
                lists.append([])
            case ["property", "list", counter, item, name]:
                lists[-1].append((name, _PLY_TYPES[counter], _PLY_TYPES[item]))
            case ["property", number, name]:
                scalars[-1].append((name, _PLY_TYPES[number]))
    if kind not in (*_BYTE_ORDER, "ascii") or all(name != "vertex" for name, _ in names):
        raise ValueError(f"expected a PLY with vertices, found format {kind!r}")
    elements = tuple(
        _Element(*of, tuple(own), tuple(more))
        for of, own, more in zip(names, scalars, lists, strict=True)
    )
    order = _BYTE_ORDER.get(kind)
    rows = () if order is None else tuple(element.row(order) for element in elements)
    return _Header(kind, elements, len(text), rows)


def _header(path: Path, data: bytes) -> _Header:
    end = data.find(b"end_header", 0, _LONGEST_HEADER)
    newline = data.find(b"\n", end)
    if not data.startswith(b"ply") or end < 0 or newline < 0:
        raise InputError(f"{path} has no PLY header; is the file complete?")
    try:
        return _parsed(data[: newline + 1])
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(f"{path} has a PLY header that makes no sense: {error}.") from error


@contextmanager
def _promised(path: Path, header: _Header) -> Iterator[None]:
    """In the block a file that is not as its header says is one message."""
    try:
        yield
    except (ValueError, OverflowError, KeyError, IndexError) as error:
        raise InputError(
            f"{path} does not hold what its PLY header promises "
            f"({', '.join(f'{e.count} {e.name}' for e in header.elements)}); the file is cut off, "
            f"or its faces are no triangles: {error}."
        ) from error


def _binary_elements(data: bytes, header: _Header) -> tuple[Floats, NDArray[np.int64]]:
    vertices, faces = np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    for element, rows in _binary_rows(data, header):
        _check_corners(element, rows)
        if element.name == "vertex":
            vertices = _axes(rows)
        elif element.name == "face":
            faces = rows[element.lists[0][0]].astype(np.int64)
    return vertices, faces


def _check_corners(element: _Element, rows: NDArray[np.void]) -> None:
    if any((rows[f"{name} count"] != 3).any() for name, *_ in element.lists):
        raise ValueError(f"a {element.name} has not three corners")


def _axes(rows: NDArray[np.void]) -> Floats:
    points = np.empty((len(rows), 3))
    for column, axis in enumerate("xyz"):
        points[:, column] = rows[axis]
    return points


def _binary_rows(data: bytes, header: _Header) -> Iterator[tuple[_Element, NDArray[np.void]]]:
    """Views of the elements of a binary file."""
    offset = header.size
    for element, row in zip(header.elements, header.rows, strict=True):
        yield element, np.frombuffer(data, row, element.count, offset)
        offset += element.count * row.itemsize


def _ascii_elements(
    body: bytes, elements: tuple[_Element, ...]
) -> tuple[Floats, NDArray[np.int64]]:
    lines = body.decode("ascii").split("\n")
    vertices, faces, start = np.zeros((0, 3)), np.zeros((0, 3), np.int64), 0
    for element in elements:
        rows = [line.split() for line in lines[start : start + element.count]]
        start += element.count
        if element.name == "vertex":
            axes = [[name for name, _ in element.scalars].index(axis) for axis in "xyz"]
            vertices = np.array(rows, np.float64)[:, axes]
        elif element.name == "face":
            numbers = np.array(rows, np.int64).reshape(-1, 4)
            if (numbers[:, 0] != 3).any():
                raise ValueError("a face has not three corners")
            faces = numbers[:, 1:]
        if len(rows) < element.count:
            raise ValueError(f"{len(rows)} {element.name} lines")
    return vertices, faces
