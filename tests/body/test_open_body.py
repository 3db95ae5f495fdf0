"""What the shipped files promise, whoever built them."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet, open_bodies
from ehpsbench.body.forward import forward
from ehpsbench.body.model import BodyModel
from ehpsbench.body.openbody import SIZES, open_arrays
from ehpsbench.skeleton import sources

GENDERS = ("neutral", "female", "male")


@pytest.fixture(params=["full", "small"])
def bodies(request: Any, full: BodySet, small: BodySet) -> BodySet:
    return full if request.param == "full" else small


def _stature(model: BodyModel, **shape: Any) -> float:
    return float(np.ptp(forward(model, **shape).vertices[0, :, 1].numpy()))


def test_files_are_small_and_hold_no_pickles() -> None:
    total = 0
    for name in SIZES.values():
        path = files("ehpsbench.body") / "data" / name
        total += len(path.read_bytes())
        with np.load(str(path), allow_pickle=False) as archive:
            assert all(archive[key].dtype != object for key in archive.files)
    assert total < 8e6


def test_every_role_is_there_and_every_hash_is_another(bodies: BodySet) -> None:
    assert len(bodies.roles) == 10
    assert len(set(bodies.roles.values())) == 10


def test_the_two_sizes_are_two_body_sets(full: BodySet, small: BodySet) -> None:
    assert full.id != small.id
    assert (full.name, small.name) == ("open", "open-small")
    assert full.model("smplx").num_vertices not in (10475, small.model("smplx").num_vertices)


@pytest.mark.parametrize("gender", GENDERS)
def test_left_and_right_mirror_each_other(gender: str, bodies: BodySet) -> None:
    model = bodies.model("smplx", gender)
    centre = model.joint_template[0] * [1, 0, 0]
    size = "full" if bodies.name == "open" else "small"
    mirrored = (model.v_template - centre)[open_arrays(size)["mirror"]] * [-1, 1, 1] + centre
    np.testing.assert_allclose(mirrored, model.v_template, atol=1e-6)


@pytest.mark.parametrize("family", ["smplx", "smpl", "mano"])
def test_weights_and_regressors_are_averages(family: str, bodies: BodySet) -> None:
    model = bodies.model(family, "left" if family == "mano" else "neutral")
    for rows in (model.weights, model.joint_regressor):
        assert rows.min() >= 0
        np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)


def test_surfaces_face_outwards(bodies: BodySet) -> None:
    model = bodies.model("smplx")
    a, b, c = (model.v_template[model.faces[:, k]] for k in range(3))
    assert 0.05 < np.einsum("ij,ij->", np.cross(a, b), c) / 6 < 0.09  # m³


def test_the_three_genders_differ_visibly(bodies: BodySet) -> None:
    female, neutral, male = (bodies.model("smplx", g) for g in ("female", "neutral", "male"))
    assert _stature(female) + 0.05 < _stature(neutral) < _stature(male) - 0.05
    pelvis = [model.joint_template[0] for model in (female, neutral, male)]
    assert all(np.linalg.norm(pelvis[i] - pelvis[i - 1]) > 0.01 for i in range(3))


@pytest.mark.parametrize("gender", GENDERS)
def test_smpl_has_its_pelvis_elsewhere(gender: str, bodies: BodySet) -> None:
    smplx, smpl = bodies.model("smplx", gender), bodies.model("smpl", gender)
    assert 0.01 < np.linalg.norm(smplx.joint_template[0] - smpl.joint_template[0]) < 0.03
    np.testing.assert_array_equal(smplx.v_template, smpl.v_template)


def test_shape_and_expression_have_enough_directions(bodies: BodySet) -> None:
    model = bodies.model("smplx")
    assert model.num_betas == 16
    assert model.expression_dirs.shape[2] == 10
    sizes = np.sqrt(np.square(model.shapedirs).sum(axis=1).mean(axis=0))
    assert sizes[0] > 0.03
    assert (np.diff(sizes) < 2e-4).all()


def test_expressions_leave_the_body_where_it_is(bodies: BodySet) -> None:
    model = bodies.model("smplx")
    body = np.delete(np.arange(model.num_vertices), bodies.vertex_ids("face"))
    assert np.abs(model.expression_dirs[body]).max() < 5e-3
    assert np.abs(model.joint_expression_dirs).max() < 2e-4


@pytest.mark.parametrize("role", [("smplx", "female"), ("smpl", "male"), ("mano", "right")])
def test_the_small_body_is_a_subset_with_the_same_joints(
    role: tuple[str, str], full: BodySet, small: BodySet, rng: np.random.Generator
) -> None:
    big, little = full.model(*role), small.model(*role)
    if role[0] != "mano":
        ids = open_arrays("small")["full_vertex_ids"]
        np.testing.assert_array_equal(little.v_template, big.v_template[ids])
    betas = rng.standard_normal((20, 10))
    np.testing.assert_allclose(little.rest_joints(betas), big.rest_joints(betas), atol=1e-6)


def test_a_child_is_about_one_metre_ten_and_its_file_is_off_centre(full: BodySet) -> None:
    for family in ("smplx", "smpl"):
        template = np.asarray(full._source.kid(family))
        assert np.linalg.norm(template.mean(axis=0)) > 0.08
        assert 1.0 < _stature(full.model(family), kid=np.ones(1)) < 1.2


@pytest.mark.parametrize("side", ["left", "right"])
def test_mano_is_the_hand_of_the_body(side: str, bodies: BodySet) -> None:
    hand, body = bodies.model("mano", side), bodies.model("smplx")
    ids = bodies.vertex_ids(f"{side}_hand")
    pose = 0.4 * np.sin(np.arange(45.0))[None]
    wrist, joints = (20, slice(25, 40)) if side == "left" else (21, slice(40, 55))
    alone = forward(hand, **{f"{side}_hand_pose": pose})
    whole = forward(body, **{f"{side}_hand_pose": pose})
    shift = whole.joints[0, wrist] - alone.joints[0, 0]
    inner = hand.weights[:, 1:].sum(axis=1) > 0.999  # the wrist itself bends with the forearm
    moved = (alone.vertices[0] + shift - whole.vertices[0, ids])[inner]
    assert float(moved.norm(dim=1).max()) < 1e-3
    assert float((alone.joints[0, 1:] + shift - whole.joints[0, joints]).norm(dim=1).max()) < 2e-3


@pytest.mark.parametrize("side", ["left", "right"])
def test_finger_tips_lie_beyond_their_last_joints(side: str, bodies: BodySet) -> None:
    hand = bodies.model("mano", side)
    tips = hand.v_template[bodies.vertex_ids(f"{side}_hand_mano_tips")]
    last = hand.joint_template[[15, 3, 6, 12, 9]]  # thumb, index, middle, ring, pinky
    reach = np.linalg.norm(tips - last, axis=1)
    assert (np.abs(tips[:, 0]) > 0.02).all()
    assert (reach < 0.035).all()
    assert (reach > 0.01).all()
    outward = (tips - hand.joint_template[0])[:, 0]
    assert (outward > 0).all() if side == "left" else (outward < 0).all()


def test_relaxed_hands_are_not_flat_and_mirror_each_other(bodies: BodySet) -> None:
    model = bodies.model("smplx")
    left, right = model.left_hand_mean, model.right_hand_mean
    assert left is not None
    assert right is not None
    assert np.abs(left).max() > 0.2
    np.testing.assert_allclose(right.reshape(15, 3), left.reshape(15, 3) * [1, -1, -1])
    components = model.left_hand_components
    np.testing.assert_allclose(components @ components.T, np.eye(45), atol=1e-9)


def test_lsp_joints_are_in_lsp_order(bodies: BodySet) -> None:
    points = bodies.regressor("j14") @ bodies.model("smplx").v_template
    right, left = [0, 1, 2, 6, 7, 8], [5, 4, 3, 11, 10, 9]
    assert (points[right, 0] < 0).all()
    assert (points[left, 0] > 0).all()
    np.testing.assert_allclose(points[right] * [-1, 1, 1], points[left], atol=1e-5)
    assert points[13, 1] == points[:, 1].max()
    assert points[0, 1] == points[:, 1].min()
    joints = bodies.model("smplx").joint_template
    near = [8, 5, 2, 1, 4, 7, 21, 19, 17, 16, 18, 20, 12]
    assert np.linalg.norm(points[:13] - joints[near], axis=1).max() < 0.035


def test_smpl_regressor_speaks_of_the_same_mesh(bodies: BodySet) -> None:
    assert bodies.regressor("h36m").shape == (17, bodies.model("smplx").num_vertices)
    np.testing.assert_array_equal(bodies.regressor("smpl/h36m"), bodies.regressor("h36m"))
    mesh = bodies.model("smplx").v_template
    np.testing.assert_array_equal(bodies.to_smpl(mesh), mesh)


def test_named_points_of_the_skin_are_where_they_should_be(bodies: BodySet) -> None:
    model = bodies.model("smplx")
    points = model.v_template[model.extra_vertex_ids]
    names = list(open_arrays("full")["extra_names"])
    at = {name: points[names.index(name)] for name in names}
    assert at["nose"][2] > model.joint_template[15, 2] + 0.05
    assert abs(at["nose"][0]) < 1e-3
    for part in ("eye", "ear", "big_toe", "small_toe", "heel", "thumb", "index", "pinky"):
        assert at[f"left_{part}"][0] > 0 > at[f"right_{part}"][0]
    assert at["left_heel"][2] < at["left_big_toe"][2] - 0.15
    assert at["left_big_toe"][0] < at["left_small_toe"][0]
    assert len(sources.SMPLX_127) == 127


def test_parts_are_labelled_on_their_own_side(bodies: BodySet) -> None:
    arrays = open_arrays("full" if bodies.name == "open" else "small")
    names, labels = list(arrays["part_names"]), arrays["part_labels"]
    mesh = bodies.model("smplx").v_template
    assert labels.min() == 1
    assert set(labels) == set(range(1, len(names)))
    for part in ("hand", "foot", "upper_leg", "lower_arm"):
        assert (mesh[labels == names.index(f"left_{part}"), 0] > 0).all()
        assert (mesh[labels == names.index(f"right_{part}"), 0] < 0).all()


def test_the_jaw_line_turns_with_the_head(bodies: BodySet) -> None:
    model = bodies.model("smplx")
    marks = model.landmarks
    corners = model.v_template[model.faces[marks.contour_faces]]
    lines = (corners * marks.contour_barycentres[..., None]).sum(2)
    assert lines.shape == (79, 17, 3)
    front = lines[0]
    assert front[0, 0] < -0.05
    assert front[16, 0] > 0.05
    assert abs(front[8, 0]) < 0.012
    assert front[8, 1] == front[:, 1].min()
    np.testing.assert_allclose(lines[39].mean(0)[0], -lines[78].mean(0)[0], atol=4e-3)


def test_smplh_is_smplx_with_a_face_that_moves_with_the_head() -> None:
    bodies = open_bodies("small")
    rng = np.random.default_rng(5)
    pose = {
        name: rng.normal(0, 0.3, (2, size))
        for name, size in (("global_orient", 3), ("body_pose", 63), ("left_hand_pose", 45))
    }
    pose |= {"betas": rng.normal(0, 1, (2, 10)), "transl": rng.normal(0, 1, (2, 3))}
    smplh = forward(bodies.model("smplh", "female"), **pose)
    smplx = forward(bodies.model("smplx", "female"), **pose)
    assert smplh.joints.shape == (2, 52, 3)
    assert float(abs(smplh.vertices - smplx.vertices).max()) < 1e-5
    kept = [*range(22), *range(25, 55)]
    assert float(abs(smplh.joints - smplx.joints[:, kept]).max()) < 1e-5
    assert "smplh/female" not in bodies.roles
