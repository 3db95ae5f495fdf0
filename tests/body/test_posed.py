"""Rows of every kind in one table against one forward pass each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench import geometry
from ehpsbench.body.bodies import BodySet
from ehpsbench.body.forward import forward
from ehpsbench.body.posed import posed_joints, posed_vertices
from ehpsbench.errors import InputError
from ehpsbench.meshes import write_obj, write_ply
from ehpsbench.schema import nullable

ROWS = 9
NEUTRAL, MALE, KID, PERSONAL, FEMALE_SMPL, LEFT, BOTH, MESH, NOBODY = range(ROWS)
BODIES = [NEUTRAL, MALE, KID, PERSONAL, FEMALE_SMPL]
HANDS = [LEFT, BOTH]
PARTS = {"left_hand_pose": 45, "right_hand_pose": 45, "jaw_pose": 3, "expression": 10}


@pytest.fixture
def release(tmp_path: Path, small: BodySet) -> Path:
    model = small.model("smplx", "female")
    template = model.v_template + 0.02 * np.sin(model.v_template)
    write_obj(tmp_path / "templates" / "s01.obj", template, model.faces)
    write_ply(tmp_path / "meshes" / "a.ply", model.v_template, model.faces)
    return tmp_path


@pytest.fixture
def table(rng: np.random.Generator) -> dict[str, Any]:
    def only(rows: list[int], width: int, size: float = 0.4) -> Any:
        return nullable(size * rng.standard_normal((ROWS, width)), np.isin(np.arange(ROWS), rows))

    family = np.full(ROWS, "smplx", object)
    family[FEMALE_SMPL], family[HANDS] = "smpl", "mano"
    gender = np.full(ROWS, "neutral", object)
    gender[[MALE, KID]], gender[[PERSONAL, FEMALE_SMPL]], gender[HANDS] = "male", "female", None
    texts = {name: np.full(ROWS, None, object) for name in ("template_path", "vertices_path")}
    texts["template_path"][PERSONAL] = "templates/s01.obj"
    texts["vertices_path"][MESH] = "meshes/a.ply"
    kid = np.zeros(ROWS)
    kid[KID] = 0.8
    rotations = geometry.rotation_matrix(rng.standard_normal((ROWS, 3))).reshape(ROWS, 9)
    return {
        "source_model": family,
        "gender": gender,
        **texts,
        "kid": nullable(kid, np.isin(np.arange(ROWS), BODIES)),
        "betas": np.ma.concatenate([only(BODIES, 10, 1.0), only(BODIES, 6, 0.0)], axis=1),
        "global_orient": only(BODIES, 3, 1.0),
        "body_pose": only(BODIES, 63),
        "smpl_hand_pose": only([FEMALE_SMPL], 6),
        "transl": only(BODIES, 3, 2.0),
        **{name: only([*BODIES[:4], *HANDS], width) for name, width in PARTS.items()},
        "left_hand_orient": only([LEFT, BOTH], 3),
        "left_hand_transl": only([LEFT, BOTH], 3, 2.0),
        "left_hand_betas": only([LEFT, BOTH], 10, 1.0),
        "right_hand_orient": only([BOTH], 3),
        "right_hand_transl": only([BOTH], 3, 2.0),
        "right_hand_betas": only([BOTH], 10, 1.0),
        "world_rotation": rotations,
        "world_translation": rng.standard_normal((ROWS, 3)),
    }


def _alone(table: dict[str, Any], row: int, bodies: BodySet, root: Path) -> Any:
    """The row's body by one call of `forward`, told by hand what the row is."""
    names = ["betas", "global_orient", "body_pose", "transl", "smpl_hand_pose", *PARTS]
    given: dict[str, Any] = {name: np.ma.filled(table[name][row : row + 1], 0) for name in names}
    model = bodies.model("smpl", "female")
    if row != FEMALE_SMPL:
        model = bodies.model(
            "smplx", {MALE: "male", KID: "male", PERSONAL: "female"}.get(row, "neutral")
        )
    if row == KID:
        given["kid"] = np.array([0.8])
    if row == PERSONAL:
        mesh = bodies.model("smplx", "female").v_template
        given["template"] = mesh + 0.02 * np.sin(mesh)
    return forward(model, **given, dtype=torch.float64)


@pytest.mark.parametrize("row", BODIES)
def test_each_row_is_posed_as_if_it_were_alone(
    row: int, table: dict[str, Any], small: BodySet, release: Path
) -> None:
    alone = _alone(table, row, small, release)
    joints, has = posed_joints(table, small, release)
    known = 22 if row == FEMALE_SMPL else 55
    np.testing.assert_allclose(joints[row, :known], alone.joints[0, :known], atol=2e-6)
    assert has[row].sum() == known
    assert np.isnan(joints[row, known:]).all()
    meshes = posed_vertices(table, small, release)
    np.testing.assert_allclose(meshes[row], alone.vertices[0], atol=1e-5)


@pytest.mark.parametrize(("row", "side"), [(LEFT, "left"), (BOTH, "left"), (BOTH, "right")])
def test_hand_rows_fill_their_wrist_and_fingers(
    row: int, side: str, table: dict[str, Any], small: BodySet, release: Path
) -> None:
    given = {
        "global_orient": table[f"{side}_hand_orient"],
        f"{side}_hand_pose": table[f"{side}_hand_pose"],
        "transl": table[f"{side}_hand_transl"],
        "betas": table[f"{side}_hand_betas"],
    }
    one = {name: np.asarray(values[row : row + 1]) for name, values in given.items()}
    alone = forward(small.model("mano", side), **one)
    joints, has = posed_joints(table, small, release)
    places = [20, *range(25, 40)] if side == "left" else [21, *range(40, 55)]
    np.testing.assert_allclose(joints[row, places], alone.joints[0], atol=1e-5)
    assert has[row].sum() == (16 if row == LEFT else 32)
    mesh = posed_vertices(table, small, release)[row]
    part = mesh[: len(mesh) // 2] if row == BOTH and side == "left" else mesh[-122:]
    np.testing.assert_allclose(part, alone.vertices[0], atol=1e-5)


def test_a_row_with_the_owners_mesh_brings_it_to_the_camera(
    table: dict[str, Any], small: BodySet, release: Path
) -> None:
    rotation = table["world_rotation"][MESH].reshape(3, 3)
    mesh = small.model("smplx", "female").v_template
    expected = np.array([rotation @ v for v in mesh]) + table["world_translation"][MESH]
    np.testing.assert_allclose(
        posed_vertices(table, small, release)[MESH], expected, rtol=0, atol=1e-6
    )
    joints, has = posed_joints(table, small, release)
    regressor = small.model("smplx").joint_regressor
    np.testing.assert_allclose(joints[MESH], regressor @ expected, atol=1e-6)
    assert has[MESH].all()


def test_a_row_without_parameters_has_nothing(
    table: dict[str, Any], small: BodySet, release: Path
) -> None:
    joints, has = posed_joints(table, small, release)
    assert np.isnan(joints[NOBODY]).all()
    assert not has[NOBODY].any()
    assert posed_vertices(table, small, release)[NOBODY].shape == (0, 3)


def test_a_table_of_pose_alone_is_a_neutral_mean_body_at_the_origin(small: BodySet) -> None:
    joints, has = posed_joints({"global_orient": np.zeros((2, 3))}, small)
    np.testing.assert_allclose(joints[1], small.model("smplx").joint_template, atol=1e-9)
    assert has.all()


def test_an_empty_table_is_empty(small: BodySet) -> None:
    joints, has = posed_joints({"global_orient": np.zeros((0, 3))}, small)
    assert joints.shape == (0, 55, 3)
    assert has.shape == (0, 55)
    assert posed_vertices({"global_orient": np.zeros((0, 3))}, small) == []


def test_a_broken_number_stays_broken(small: BodySet) -> None:
    pose = np.zeros((2, 63))
    pose[0, 5] = np.nan
    joints, has = posed_joints({"global_orient": np.zeros((2, 3)), "body_pose": pose}, small)
    assert np.isnan(joints[0]).any()
    assert np.isfinite(joints[1]).all()
    assert has.all()


def test_a_template_of_another_topology_is_refused(
    table: dict[str, Any], small: BodySet, full: BodySet, release: Path
) -> None:
    with pytest.raises(InputError, match=r"s01.obj has 1504 vertices, .* 13492"):
        posed_joints(table, full, release)


def test_a_template_needs_the_release_folder(table: dict[str, Any], small: BodySet) -> None:
    with pytest.raises(InputError, match=r"s01.obj is relative to the release"):
        posed_joints(table, small)


def test_shape_past_the_models_is_refused(small: BodySet) -> None:
    more = np.full(1, None, object)
    more[0] = [0.0, 0.3]
    columns = {
        "global_orient": np.zeros((1, 3)),
        "betas": np.zeros((1, 16)),
        "betas_more": more,
    }
    with pytest.raises(InputError, match="18 betas were given"):
        posed_joints(columns, small)


def test_the_gender_matters_by_centimetres(small: BodySet) -> None:
    columns = {
        "global_orient": np.zeros((2, 3)),
        "gender": np.array(["male", "female"], object),
    }
    joints, _ = posed_joints(columns, small)
    assert np.linalg.norm(joints[0] - joints[1], axis=1).min() > 0.01
