"""Meshes on disk: what is written is read, and what is cut off is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.meshes import read_mesh, read_vertices, write_obj, write_ply

SQUARE = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0.1234567], [0, 1, 0]])
HALVES = np.array([[0, 1, 2], [0, 2, 3]])


@pytest.mark.parametrize("suffix", ["obj", "ply"])
def test_a_square_written_and_read_keeps_4_vertices_2_faces_and_their_order(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"square.{suffix}"
    {"obj": write_obj, "ply": write_ply}[suffix](path, SQUARE, HALVES)
    mesh = read_mesh(path)
    np.testing.assert_allclose(mesh.vertices, SQUARE, atol=1e-7)
    np.testing.assert_array_equal(mesh.faces, HALVES)
    np.testing.assert_array_equal(read_vertices(path), mesh.vertices)


def test_obj_by_hand_with_texture_normals_groups_and_comments_is_one_triangle(
    tmp_path: Path,
) -> None:
    head = "# a\nmtllib x.mtl\ng body\n"
    text = head + "v 0 0 0\nv 1e0 0 0\nv 0 2 0\nvn 0 0 1\nvt 0 0\nf 1/1/1 2/1/1 3/1/1\n"
    (tmp_path / "m.obj").write_text(text)
    mesh = read_mesh(tmp_path / "m.obj")
    assert mesh.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0]]
    assert mesh.faces.tolist() == [[0, 1, 2]]


HEADER = "ply\nformat {} 1.0\ncomment made by hand\nelement vertex 3\nproperty float nx\n{}"
AXES = "property float x\nproperty float y\nproperty float z\n"
FACE = "element face 1\nproperty list uchar uint vertex_index\nend_header\n"


def test_big_endian_ply_with_more_properties_reads_x_y_z(tmp_path: Path) -> None:
    rows = np.array([[9, 0, 0, 0], [9, 1, 0, 0], [9, 0, 2, 0]], ">f4").tobytes()
    face = b"\x03" + np.array([0, 1, 2], ">u4").tobytes()
    header = HEADER.format("binary_big_endian", AXES + FACE).encode()
    (tmp_path / "m.ply").write_bytes(header + rows + face)
    mesh = read_mesh(tmp_path / "m.ply")
    assert mesh.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0]]
    assert mesh.faces.tolist() == [[0, 1, 2]]


def test_ascii_ply_reads_the_same(tmp_path: Path) -> None:
    header = HEADER.format("ascii", AXES + FACE)
    (tmp_path / "m.ply").write_text(header + "9 0 0 0\n9 1 0 0\n9 0 2 0\n3 0 1 2\n")
    assert read_mesh(tmp_path / "m.ply").vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0]]


def test_what_stands_behind_x_y_z_in_an_obj_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "m.obj").write_text("v 0 0 0 1\nv 1 0 0 0.5 0.5 0.5\nv 0 2 0\n")
    assert read_vertices(tmp_path / "m.obj").tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0]]
    (tmp_path / "m.obj").write_text("v 0 0 0 1\nv 1 0\n")  # as many words as two whole lines
    with pytest.raises(InputError, match=r"m\.obj"):
        read_vertices(tmp_path / "m.obj")


def test_a_nan_vertex_is_read_as_nan_for_the_checks_to_find(tmp_path: Path) -> None:
    write_ply(tmp_path / "m.ply", np.where(SQUARE > 1e9, 0, np.nan), HALVES)
    assert np.isnan(read_mesh(tmp_path / "m.ply").vertices).all()


@pytest.mark.parametrize(
    ("suffix", "share"), [(s, k) for s in ("obj", "ply") for k in (0.0, 0.1, 0.5)] + [("ply", 0.99)]
)
def test_a_file_cut_off_is_refused_by_name(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"square.{suffix}"
    {"obj": write_obj, "ply": write_ply}[suffix](path, SQUARE, HALVES)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=r"square\."):
        read_mesh(path)
    if suffix == "ply" or share < 0.5:  # an OBJ with all its vertices need not end well
        with pytest.raises(InputError, match=r"square\."):
            read_vertices(path)


def test_quads_missing_files_and_other_formats_are_refused(tmp_path: Path) -> None:
    (tmp_path / "quad.obj").write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\n")
    with pytest.raises(InputError, match="three corners"):
        read_mesh(tmp_path / "quad.obj")
    corners = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"
    (tmp_path / "quads.obj").write_text(corners + "f 1 2 3 4\n" * 3)  # twelve corners
    with pytest.raises(InputError, match="faces have 4 corners"):
        read_mesh(tmp_path / "quads.obj")
    with pytest.raises(MissingFiles, match=r"none\.ply"):
        read_mesh(tmp_path / "none.ply")
    with pytest.raises(InputError, match=r"\.obj or \.ply"):
        read_mesh(tmp_path / "mesh.stl")


@pytest.mark.parametrize("count", [b"-3", b"99999999999999999999", b"4000000000"])
@pytest.mark.parametrize("kind", [b"binary_little_endian", b"ascii"])
def test_a_ply_that_promises_an_impossible_number_of_vertices_is_refused(
    count: bytes, kind: bytes, tmp_path: Path
) -> None:
    head = b"ply\nformat %s 1.0\nelement vertex %s\nproperty float x\nproperty float y\n"
    (tmp_path / "a.ply").write_bytes(
        head % (kind, count) + b"property float z\nend_header\n0 0 0\n"
    )
    with pytest.raises(InputError, match=r"a\.ply"):
        read_mesh(tmp_path / "a.ply")


def test_vertices_behind_quads_are_refused_not_read_from_a_wrong_place(tmp_path: Path) -> None:
    path = tmp_path / "mesh.ply"
    faces = struct.pack("<B4i", 4, 0, 1, 2, 3) * 2
    path.write_bytes(
        b"ply\nformat binary_little_endian 1.0\nelement face 2\n"
        b"property list uchar int vertex_indices\nelement vertex 10\nproperty float x\n"
        b"property float y\nproperty float z\nend_header\n" + faces + bytes(120)
    )
    for read in (read_mesh, read_vertices):
        with pytest.raises(InputError, match="three corners"):
            read(path)


def test_an_obj_with_a_number_past_64_bits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_text(f"v 0 0 0\nf 1 1 {10**30}\n")
    with pytest.raises(InputError, match=r"a\.obj"):
        read_mesh(tmp_path / "a.obj")
