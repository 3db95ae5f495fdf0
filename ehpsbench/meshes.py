"""Triangle meshes on disk: Wavefront OBJ templates and PLY registrations, NumPy only.

Vertex order and count are kept exactly: they say which body model a mesh belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.ply import ply_triangles, ply_vertices

Floats = NDArray[np.float64]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Mesh:
    """A triangle mesh.

    Attributes:
        vertices: (V, 3) float64 in the units of the file.
        faces: (F, 3) int32 vertex numbers from 0; (0, 3) when the file has none.
    """

    vertices: Floats
    faces: NDArray[np.int32]


def read_mesh(path: Path) -> Mesh:
    """The mesh in an .obj or .ply file.

    Raises:
        MissingFiles: there is no such file.
        InputError: another suffix, a truncated file, or faces that are no triangles.
    """
    return _reader(path, {".obj": read_obj, ".ply": read_ply})(path)


def read_vertices(path: Path) -> Floats:
    """(V, 3) vertices of an .obj or .ply file, several times as fast as the mesh with its faces.

    Raises:
        MissingFiles: there is no such file.
        InputError: another suffix, or a truncated file; faces are not looked at, but a PLY has to
            have room for them.
    """
    return _reader(path, {".obj": _obj_vertices, ".ply": _ply_vertices})(path)


def read_obj(path: Path) -> Mesh:
    """The `v` and `f` lines of a Wavefront OBJ file; texture and normal numbers are ignored.

    An OBJ does not say how long it is: one cut off between two faces reads as a shorter mesh.
    """
    lines = _bytes(path).decode("utf-8", "replace").splitlines()
    polygons = [line.split()[1:] for line in lines if line.startswith("f ")]
    with _an_obj(path):
        faces = np.array([[int(c.split("/")[0]) for c in p] for p in polygons], np.int64)
        if len(faces) and faces.shape[1] != 3:
            raise ValueError(f"faces have {faces.shape[1]} corners")
        return _mesh(path, _points(lines), faces.reshape(-1, 3) - 1)


def _obj_vertices(path: Path) -> Floats:
    with _an_obj(path):
        return _some(path, _points(_bytes(path).decode("utf-8", "replace").splitlines()))


def _points(lines: list[str]) -> Floats:
    """(V, 3) of the `v` lines of an OBJ; weights and colours behind x, y and z are left out."""
    own = [line for line in lines if line.startswith("v ")]
    words = " ".join(own).split()
    if len(words) == 4 * len(own) and {*words[::4]} <= {"v"}:  # nothing behind
        del words[::4]
        return np.array([float(word) for word in words], np.float64).reshape(-1, 3)
    return np.array([line.split()[1:4] for line in own], np.float64).reshape(-1, 3)


@contextmanager
def _an_obj(path: Path) -> Iterator[None]:
    """In the block a file that is no OBJ of triangles is one message."""
    try:
        yield
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
    return _mesh(path, *ply_triangles(path, _bytes(path)))


def _ply_vertices(path: Path) -> Floats:
    return _some(path, ply_vertices(path, _bytes(path)))


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


def _mesh(path: Path, vertices: Floats, faces: NDArray[np.int64]) -> Mesh:
    _some(path, vertices)
    if len(faces) and not (faces.min() >= 0 and faces.max() < len(vertices)):
        raise InputError(
            f"{path}: a face names vertex {faces.max()}, but there are {len(vertices)} vertices; "
            "the file is cut off or not of this mesh."
        )
    return Mesh(vertices, faces.astype(np.int32))


def _some(path: Path, vertices: Floats) -> Floats:
    if not len(vertices):
        raise InputError(f"{path} holds no vertices; is the file complete?")
    return vertices


def _reader(path: Path, readers: Mapping[str, Callable[[Path], Found]]) -> Callable[[Path], Found]:
    if path.suffix.lower() not in readers:
        raise InputError(f"{path} is no mesh that can be read; expected .obj or .ply.")
    return readers[path.suffix.lower()]


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb", buffering=0) as stream:
            return stream.read()
    except OSError as error:
        raise MissingFiles(f"The mesh {path} cannot be read: {error}.") from error
