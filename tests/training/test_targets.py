"""Targets: what a row teaches, in its view, and what it does not."""

import numpy as np
import pytest

from ehpsbench.body.neutral import fit_neutral
from ehpsbench.errors import MissingBody
from ehpsbench.geometry import project, rotation_matrix
from ehpsbench.schema import nullable
from ehpsbench.training.joints import JOINTS, LEFT_CHAIN, MIRROR, SEEN_KEYPOINTS
from ehpsbench.training.labels import trainable
from ehpsbench.training.targets import chained, targets
from ehpsbench.training.views import views


def made(columns, bodies):
    return targets(columns, views(columns, 0.75, 1.2), bodies, None)


def test_joints_in_the_view_project_to_their_pixels(people, bodies):
    from ehpsbench.body.posed import posed_joints

    columns = people()
    joints, _ = posed_joints(columns, bodies)
    where = views(columns, 0.75, 1.2)
    pixels = project(joints, columns["focal"], columns["principal_point"])
    expected = (pixels - where.centre[:, None]) / where.half[:, None]
    found = made(columns, bodies)
    seen = found.joints @ found.camera.transpose(0, 2, 1)
    np.testing.assert_allclose(seen[..., :2] / seen[..., 2:], expected, atol=1e-4)
    np.testing.assert_allclose(found.pixels, expected, atol=1e-4)
    assert found.pixels_known.all()


def test_the_root_is_turned_into_the_view_and_nothing_else(people, bodies):
    columns = people()
    where, found = views(columns, 0.75, 1.2), made(columns, bodies)
    root = where.rotation @ rotation_matrix(columns["global_orient"])
    np.testing.assert_allclose(found.rotations[:, 0], root, atol=1e-6)
    body = rotation_matrix(columns["body_pose"].reshape(-1, 21, 3))
    np.testing.assert_allclose(found.rotations[:, 1:22], body, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, True),
        ({"owner_valid": False}, False),
        ({"body_valid": False, "left_hand_valid": False, "right_hand_valid": False}, False),
        ({"body_valid": False, "left_hand_valid": False}, True),
    ],
)
def test_rows_that_owners_refuse_or_that_label_nothing_are_left_out(people, change, kept):
    columns = people()
    for name, value in change.items():
        columns[name][1] = value
    assert trainable(columns).tolist() == [True, kept, True, True]


def test_an_owner_who_says_nothing_does_not_refuse(people):
    columns = people()
    columns["owner_valid"] = nullable(np.zeros(4, bool), np.zeros(4, bool))
    assert trainable(columns).all()


def test_a_row_without_a_box_is_left_out(people):
    columns = people()
    columns["bbox"] = nullable(columns["bbox"], np.array([True, False, True, True]))
    assert trainable(columns).tolist() == [True, False, True, True]


def test_null_parameters_teach_nothing_and_zero_ones_do(people, bodies):
    columns = people()
    columns["jaw_pose"] = nullable(columns["jaw_pose"], np.array([True, False, True, True]))
    columns["left_hand_pose"][2] = 0
    found = made(columns, bodies)
    assert found.rotations_known[:, 22].tolist() == [True, False, True, True]
    assert found.rotations_known[2, 25:40].all()


def test_kids_and_personal_templates_teach_no_shape(people, bodies):
    columns = people()
    columns["kid"] = np.array([0.0, 0.3, 0, 0])
    assert made(columns, bodies).betas_known.tolist() == [True, False, True, True]


def test_a_gendered_adult_teaches_the_neutral_shape_that_is_fitted_to_it(people, bodies):
    columns = people(gender="female")
    found = made(columns, bodies)
    betas, residual = fit_neutral(
        bodies.model("smplx", "female"), bodies.model("smplx", "neutral"), columns["betas"]
    )
    np.testing.assert_allclose(found.betas, betas, atol=1e-5)
    np.testing.assert_allclose(1000 * found.betas_residual, residual, atol=1e-4)
    assert found.betas_known.all()


def test_the_owners_neutral_shape_goes_before_a_fit_and_a_neutral_label_is_taken_as_it_is(
    people, bodies
):
    columns = people(gender="female")
    columns["gender"][0] = "neutral"
    columns["betas_neutral"] = nullable(np.ones((4, 10)), np.array([False, True, False, False]))
    found = made(columns, bodies)
    np.testing.assert_allclose(found.betas[0], columns["betas"][0, :10], atol=1e-6)
    np.testing.assert_array_equal(found.betas[1], 1)
    assert (found.betas_residual > 0).tolist() == [False, False, True, True]


def test_a_shape_that_no_neutral_body_comes_near_is_not_taught(people, bodies):
    columns = people(gender="female")
    columns["betas"][2] = 0
    columns["betas"][2, 10] = 40  # a direction past the ten of the label
    found = made(columns, bodies)
    assert found.betas_known.tolist() == [True, True, False, True]
    assert not found.betas[2].any()
    assert found.betas_residual[2] == 0


@pytest.mark.parametrize(("change", "taught"), [
    ({}, True), ({"body_valid": False}, False), ({"kid": 0.2}, False), ({"betas": None}, False),
])  # fmt: skip
def test_a_smpl_row_teaches_shape_where_its_betas_are_known_and_its_body_is_a_valid_adult(
    people, bodies, change, taught
):
    columns = people(source="smpl", gender="male") | {"kid": np.zeros(4)}
    columns["shape_valid"][:] = False  # it speaks of SMPL-X's betas
    for name, value in change.items():
        if value is None:
            columns[name] = nullable(columns[name], np.arange(4) != 1)
        else:
            columns[name][1] = value
    assert made(columns, bodies).betas_known.tolist() == [True, taught, True, True]


class NoMap:
    """A body set without the file that takes the SMPL-X mesh to SMPL's."""

    def __init__(self, bodies):
        self.model = bodies.model

    def smplx_to_smpl(self):
        raise MissingBody("smplx2smpl.pkl is needed")


def test_a_smpl_row_teaches_no_shape_where_nothing_takes_one_mesh_to_the_other(people, bodies):
    columns = people(source="smpl")
    columns["shape_valid"][:] = False
    assert not made(columns, NoMap(bodies)).betas_known.any()


def test_a_neutral_label_of_more_than_ten_betas_is_fitted_and_says_how_far_off_it_is(
    people, bodies
):
    columns = people()
    columns["betas"][1, 10] = 2.0
    found = made(columns, bodies)
    fitted, residual = fit_neutral(
        bodies.model("smplx", "neutral"), bodies.model("smplx", "neutral"), columns["betas"]
    )
    np.testing.assert_allclose(found.betas[1], fitted[1], atol=1e-5)
    np.testing.assert_allclose(1000 * found.betas_residual[1], residual[1], rtol=1e-4)
    assert (found.betas_residual > 0).tolist() == [False, True, False, False]


@pytest.mark.parametrize("part", ["left_hand", "right_hand", "face"])
def test_a_part_of_a_body_that_is_not_valid_teaches_its_rotations_and_no_place(
    people, bodies, part
):
    columns = people() | {
        f"{name}_valid": np.full(4, name == part)
        for name in ("body", "left_hand", "right_hand", "face")
    }
    found = made(columns, bodies)
    assert found.rotations_known.any(1).all()
    assert not found.joints_known.any()
    assert not found.pixels_known.any()


def test_a_hand_only_row_teaches_its_hand_about_its_own_root(people, bodies):
    columns = people(source="mano", gender="left")
    for name in ("body", "right_hand", "face", "shape"):
        columns[f"{name}_valid"][:] = False
    rng = np.random.default_rng(1)
    columns["left_hand_orient"] = rng.standard_normal((4, 3))
    columns["left_hand_transl"] = np.tile([0.1, 0.0, 2.0], (4, 1))
    columns["left_hand_betas"] = np.zeros((4, 10))
    columns["bbox"] = np.tile([300.0, 200.0, 80.0, 80.0], (4, 1))
    found, where = made(columns, bodies), views(columns, 0.75, 1.2)
    assert np.flatnonzero(found.joints_known[0]).tolist() == [20, *range(25, 40)]
    assert np.flatnonzero(found.rotations_known[0]).tolist() == list(range(25, 40))
    assert found.hand_root_known.tolist() == [[True, False]] * 4
    own = where.rotation @ rotation_matrix(columns["left_hand_orient"])
    np.testing.assert_allclose(found.hand_root[:, 0], own, atol=1e-6)


def test_the_hand_root_is_what_the_chain_makes_of_the_wrist(people, bodies):
    found = made(people(), bodies)
    np.testing.assert_allclose(
        found.hand_root[:, 0], chained(found.rotations.astype(float), LEFT_CHAIN), atol=1e-5
    )


def test_mirroring_joints_twice_is_no_change_and_moves_every_left_one():
    assert MIRROR[MIRROR].tolist() == list(range(JOINTS))
    assert (np.arange(JOINTS) == MIRROR).sum() == 7  # pelvis, spine ×3, neck, head, jaw


def clicked(people, scores=1.0):
    """Columns of 4 people whom annotators marked all 144 points of, at (i, 2i), and no body."""
    columns = people()
    kept = ("instance_id", "width", "height", "bbox")
    columns = {name: columns[name] for name in kept}
    points = np.zeros((4, 144, 3))
    points[:] = np.stack([np.arange(144.0), 2 * np.arange(144.0), np.ones(144)], 1)
    points[..., 2] = scores
    return columns | {"keypoints2d": points.reshape(4, -1)}


def test_a_row_of_2d_keypoints_teaches_where_its_joints_are_seen_and_nothing_else(people, bodies):
    columns = clicked(people)
    found, where = made(columns, bodies), views(columns, 0.75, 1.2)
    assert trainable(columns).all()
    for flags in (found.joints_known, found.rotations_known, found.hand_root_known):
        assert not flags.any()
    assert not (found.betas_known | found.expression_known).any()
    place = found.pixels[:, 20] * where.half + where.centre
    np.testing.assert_allclose(place, [[20, 40]] * 4, atol=1e-4)


def test_hips_spine_neck_head_feet_and_jaw_are_not_taken_from_clicks(people, bodies):
    known = made(clicked(people), bodies).pixels_known[0]
    assert np.flatnonzero(~known).tolist() == [0, 1, 2, 3, 6, 9, 10, 11, 12, 13, 14, 15, 22]


def test_a_keypoint_without_score_or_number_is_not_known_and_the_others_of_the_row_are(
    people, bodies
):
    columns = clicked(people)
    points = columns["keypoints2d"].reshape(4, 144, 3)
    points[1, 4, 2], points[2, 5, 0] = 0, np.nan
    found = made(columns, bodies)
    assert found.pixels_known[:, 4].tolist() == [True, False, True, True]
    assert found.pixels_known[:, 5].tolist() == [True, True, False, True]
    assert np.isfinite(found.pixels).all()


LENS = np.tile([-0.25, 0.08, 0.001, -0.002, 0.0, 0.0, 0.0, 0.0], (4, 1))


def test_distorted_clicks_and_projected_joints_meet_where_the_pinhole_crop_shows_them(
    people, bodies
):
    from ehpsbench.body.posed import posed_joints

    bent = {"distortion": LENS, "distortion_model": np.array(["opencv_rational"] * 4, object)}
    columns = people() | bent
    camera = (columns["focal"], columns["principal_point"])
    pixels = project(posed_joints(columns, bodies)[0], *camera, LENS, "opencv_rational")
    points = np.zeros((4, 144, 3))
    points[:, :55] = np.concatenate([pixels, np.ones((4, 55, 1))], -1)
    clicks = {k: columns[k] for k in ("instance_id", "width", "height", "bbox", "focal")}
    clicks |= {"principal_point": columns["principal_point"], **bent}
    clicks["keypoints2d"] = points.reshape(4, -1)
    seen, projected = made(clicks, bodies), made(columns, bodies)
    assert seen.pixels_known[:, 20].all()
    assert projected.pixels_known[:, 20].all()
    joints = [4, 5, 7, 8, *range(16, 22)]
    np.testing.assert_allclose(seen.pixels[:, joints], projected.pixels[:, joints], atol=1e-3)


def test_a_distortion_that_cannot_be_undone_leaves_2d_unknown(people, bodies):
    columns = people()
    del columns["focal"]
    assert not made(columns | {"distortion": LENS}, bodies).pixels_known.any()
    clicks = {k: v for k, v in clicked(people).items() if k != "focal"}
    assert not trainable(clicks | {"distortion": LENS}).any()


def test_a_row_whose_keypoints_are_no_joints_is_left_out(people):
    columns = clicked(people)
    columns["keypoints2d"].reshape(4, 144, 3)[2, SEEN_KEYPOINTS, 2] = 0
    assert trainable(columns).tolist() == [True, True, False, True]


def test_the_projection_of_a_labelled_body_goes_before_clicks(people, bodies):
    columns = people() | {"keypoints2d": clicked(people)["keypoints2d"]}
    np.testing.assert_array_equal(made(columns, bodies).pixels, made(people(), bodies).pixels)
