"""Targets: what a row teaches, in its view, and what it does not."""

import numpy as np
import pytest

from ehpsbench.geometry import project, rotation_matrix
from ehpsbench.schema import nullable
from ehpsbench.training.joints import JOINTS, LEFT_CHAIN, MIRROR, SEEN_KEYPOINTS
from ehpsbench.training.targets import chained, targets, trainable
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


def test_a_hand_only_row_teaches_its_hand_about_its_own_root(people, bodies):
    columns = people(source="mano", gender="left")
    for name in ("body", "right_hand", "face", "shape"):
        columns[f"{name}_valid"][:] = False
    rng = np.random.default_rng(1)
    columns["left_hand_orient"] = rng.standard_normal((4, 3))
    columns["left_hand_transl"] = np.tile([0.1, 0.0, 2.0], (4, 1))
    columns["left_hand_betas"] = np.zeros((4, 10))
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


def test_a_row_whose_keypoints_are_no_joints_is_left_out(people):
    columns = clicked(people)
    columns["keypoints2d"].reshape(4, 144, 3)[2, SEEN_KEYPOINTS, 2] = 0
    assert trainable(columns).tolist() == [True, True, False, True]


def test_the_projection_of_a_labelled_body_goes_before_clicks(people, bodies):
    columns = people() | {"keypoints2d": clicked(people)["keypoints2d"]}
    np.testing.assert_array_equal(made(columns, bodies).pixels, made(people(), bodies).pixels)
