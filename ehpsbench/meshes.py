"""Triangle meshes on disk: Wavefront OBJ templates and PLY registrations, NumPy only.

Vertex order and count are kept exactly: they say which body model a mesh belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.errors import InputError, MissingFiles

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


@dataclass(frozen=True, slots=True)
class Mesh:
    """A triangle mesh.

    Attributes:
        vertices: (V, 3) float64 in the units of the file.
        faces: (F, 3) int32 vertex numbers from 0; (0, 3) when the file has none.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int32]


def read_mesh(path: Path) -> Mesh:
    """The mesh in an .obj or .ply file.

    Raises:
        MissingFiles: there is no such file.
        InputError: another suffix, a truncated file, or faces that are no triangles.
    """
    readers = {".obj": read_obj, ".ply": read_ply}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path} is no mesh that can be read; expected .obj or .ply.")
    return readers[path.suffix.lower()](path)


def read_obj(path: Path) -> Mesh:
    """The `v` and `f` lines of a Wavefront OBJ file; texture and normal numbers are ignored.

    An OBJ does not say how long it is: one cut off between two faces reads as a shorter mesh.
    """
    lines = _bytes(path).decode("utf-8", "replace").splitlines()
    corners = [line.split()[1:4] for line in lines if line.startswith("v ")]
    polygons = [line.split()[1:] for line in lines if line.startswith("f ")]
    try:
        vertices = np.array(corners, np.float64).reshape(-1, 3)
        faces = np.array([[int(c.split("/")[0]) for c in p] for p in polygons], np.int64)
        return _mesh(path, vertices, faces.reshape(-1, 3) - 1)
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{path} is not a triangle mesh in OBJ format (a line is cut off, or a face has not "
            f"three corners): {error}."
        ) from error


def write_obj(path: Path, vertices: ArrayLike, faces: ArrayLike) -> None:
    """Write (V, 3) vertices, to 0.1 µm in metres, and (F, 3) faces from 0 as OBJ."""
    rows = ["v {:.7f} {:.7f} {:.7f}".format(*v) for v in np.asarray(vertices).tolist()]
    rows += ["f {} {} {}".format(*f) for f in (np.asarray(faces) + 1).tolist()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n", encoding="ascii")


def read_ply(path: Path) -> Mesh:
    """A PLY file, binary (both byte orders) or ascii; only x, y, z and the triangles are kept."""
    data = _bytes(path)
    end = data[:_LONGEST_HEADER].find(b"end_header")
    newline = data.find(b"\n", end)
    if not data.startswith(b"ply") or end < 0 or newline < 0:
        raise InputError(f"{path} has no PLY header; is the file complete?")
    header = data[:end].decode("ascii", "replace").split("\n")
    kind, elements = _ply_header(path, [line.split() for line in header])
    body = data[newline + 1 :]
    try:
        if kind == "ascii":
            return _mesh(path, *_ascii_elements(body, elements))
        return _mesh(path, *_binary_elements(body, elements, _BYTE_ORDER[kind]))
    except (ValueError, OverflowError, KeyError, IndexError) as error:
        raise InputError(
            f"{path} does not hold what its PLY header promises "
            f"({', '.join(f'{e.count} {e.name}' for e in elements)}); the file is cut off, or its "
            f"faces are no triangles: {error}."
        ) from error


def write_ply(path: Path, vertices: ArrayLike, faces: ArrayLike) -> None:
    """Write (V, 3) vertices as float32 and (F, 3) faces as binary little-endian PLY."""
    points, triangles = np.asarray(vertices, "<f4"), np.asarray(faces)
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(points)}\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {len(triangles)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    rows = np.empty(len(triangles), np.dtype([("n", "u1"), ("corners", "<i4", 3)]))
    rows["n"], rows["corners"] = 3, triangles
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.encode("ascii") + points.tobytes() + rows.tobytes())


@dataclass(slots=True)
class _Element:
    """One element of a PLY header: its name, count, scalar properties and list properties."""

    name: str
    count: int
    scalars: list[tuple[str, str]]
    lists: list[tuple[str, str, str]]


def _ply_header(path: Path, lines: list[list[str]]) -> tuple[str, list[_Element]]:
    kind, elements = "", list[_Element]()
    try:
        for words in lines:
            match words:
                case ["format", name, *_]:
                    kind = name
                case ["element", name, count]:
                    elements.append(_Element(name, int(count), [], []))
                case ["property", "list", counter, item, name]:
                    elements[-1].lists.append((name, _PLY_TYPES[counter], _PLY_TYPES[item]))
                case ["property", number, name]:
                    elements[-1].scalars.append((name, _PLY_TYPES[number]))
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(f"{path} has a PLY header that makes no sense: {error}.") from error
    if kind not in (*_BYTE_ORDER, "ascii") or all(e.name != "vertex" for e in elements):
        raise InputError(f"{path}: expected a PLY with vertices, found format {kind!r}.")
    return kind, elements


def _binary_elements(
    body: bytes, elements: list[_Element], order: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    vertices, faces, offset = np.zeros((0, 3)), np.zeros((0, 3), np.int64), 0
    for element in elements:
        fields: list[tuple[str, str] | tuple[str, str, int]] = []
        fields += [(name, order + kind) for name, kind in element.scalars]
        for name, counter, item in element.lists:
            fields += [(f"{name} count", order + counter), (name, order + item, 3)]
        rows = np.frombuffer(body, np.dtype(fields), element.count, offset)
        offset += rows.nbytes
        if any((rows[f"{name} count"] != 3).any() for name, *_ in element.lists):
            raise ValueError(f"a {element.name} has not three corners")
        if element.name == "vertex":
            vertices = np.stack([rows[axis] for axis in "xyz"], -1).astype(np.float64)
        elif element.name == "face":
            faces = rows[element.lists[0][0]].astype(np.int64)
    return vertices, faces


def _ascii_elements(
    body: bytes, elements: list[_Element]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
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


def _mesh(path: Path, vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> Mesh:
    if not len(vertices):
        raise InputError(f"{path} holds no vertices; is the file complete?")
    if len(faces) and not (faces.min() >= 0 and faces.max() < len(vertices)):
        raise InputError(
            f"{path}: a face names vertex {faces.max()}, but there are {len(vertices)} vertices; "
            "the file is cut off or not of this mesh."
        )
    return Mesh(vertices, faces.astype(np.int32))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MissingFiles(f"The mesh {path} cannot be read: {error}.") from error
