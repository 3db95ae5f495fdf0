"""Joints on meshes in files: the regressor's, read again when a file changes, and only then."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.mesh_joints import mesh_joints
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.meshes import write_ply

MODEL = open_bodies("small").model("smplx", "neutral")


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / "a.ply", tmp_path / "b.ply"]
    for place, path in enumerate(found):
        write_ply(path, MODEL.v_template + place, MODEL.faces)
    return found


def test_the_mean_shape_has_its_own_joints_wherever_it_stands(paths: list[Path]) -> None:
    joints = mesh_joints(MODEL, paths)
    np.testing.assert_allclose(joints[0], MODEL.rest_joints(np.zeros((1, 10)))[0], atol=1e-6)
    np.testing.assert_allclose(joints[1] - joints[0], 1, atol=1e-5)


def test_a_file_that_changes_is_read_again(paths: list[Path]) -> None:
    before = mesh_joints(MODEL, paths)
    assert mesh_joints(MODEL, paths) is before
    write_ply(paths[1], MODEL.v_template + 5, MODEL.faces)
    os.utime(paths[1], (1, 1))  # as coarse as clocks of disks may be
    np.testing.assert_allclose((mesh_joints(MODEL, paths) - before)[1], 4, atol=1e-5)


def test_a_vertex_that_is_not_finite_leaves_no_finite_joint(paths: list[Path]) -> None:
    broken = np.where(np.arange(MODEL.num_vertices)[:, None] == 7, np.nan, MODEL.v_template)
    write_ply(paths[0], broken, MODEL.faces)
    joints = mesh_joints(MODEL, paths)
    assert np.isnan(joints[0]).all()
    assert np.isfinite(joints[1]).all()


def test_another_topology_and_a_missing_file_are_named(paths: list[Path]) -> None:
    write_ply(paths[1], np.zeros((10475, 3)), MODEL.faces)
    with pytest.raises(InputError, match=r"b\.ply has 10475 vertices"):
        mesh_joints(MODEL, paths)
    paths[0].unlink()
    with pytest.raises(MissingFiles, match=r"a\.ply"):
        mesh_joints(MODEL, paths)
