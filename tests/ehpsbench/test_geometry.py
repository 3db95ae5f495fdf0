from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ehpsbench.errors import InputError
from ehpsbench.geometry import (
    axis_angle,
    body_to_camera,
    box_around,
    canonical,
    clip_box,
    compose,
    orient_pixels,
    project,
    rotate_x,
    rotate_y,
    rotate_z,
    rotation_matrix,
)

ANGLE = st.floats(-9.0, 9.0)


def test_a_quarter_turn_about_z_takes_x_to_y() -> None:
    turned = rotation_matrix([0, 0, np.pi / 2]) @ [1, 0, 0]
    np.testing.assert_allclose(turned, [0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(rotate_z(np.pi / 2), rotation_matrix([0, 0, np.pi / 2]), atol=1e-15)


def test_a_quarter_turn_about_x_takes_y_to_z_and_about_y_takes_z_to_x() -> None:
    np.testing.assert_allclose(rotate_x(np.pi / 2) @ [0, 1, 0], [0, 0, 1], atol=1e-15)
    np.testing.assert_allclose(rotate_y(np.pi / 2) @ [0, 0, 1], [1, 0, 0], atol=1e-15)


@settings(max_examples=200, deadline=None)
@given(st.tuples(ANGLE, ANGLE, ANGLE))
def test_logarithm_undoes_rodrigues_as_a_rotation(vector: tuple[float, float, float]) -> None:
    matrix = rotation_matrix(vector)
    again = axis_angle(matrix)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(rotation_matrix(again), matrix, atol=1e-12)
    assert np.linalg.norm(again) <= np.pi + 1e-12


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-8, 1e-4, np.pi - 1e-8, np.pi])
def test_logarithm_is_exact_near_zero_and_near_pi(angle: float) -> None:
    axis = np.array([2.0, -3.0, 6.0]) / 7
    np.testing.assert_allclose(
        rotation_matrix(axis_angle(rotation_matrix(angle * axis))),
        rotation_matrix(angle * axis),
        atol=1e-15,
    )
    assert np.linalg.norm(axis_angle(rotation_matrix(angle * axis))) == pytest.approx(
        angle, abs=1e-9
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(ANGLE, min_size=6, max_size=6))
def test_canonical_is_the_same_rotation_with_an_angle_up_to_pi(values: list[float]) -> None:
    joints = canonical(np.array([values])).reshape(2, 3)
    np.testing.assert_allclose(
        rotation_matrix(joints), rotation_matrix(np.reshape(values, (2, 3))), atol=1e-12
    )
    assert (np.linalg.norm(joints, axis=-1) <= np.pi + 1e-12).all()


def test_canonical_leaves_small_angles_as_they_are_to_the_bit() -> None:
    vector = np.array([[0.1, -0.2, 3.0, 0.0, 0.0, 0.0]])
    assert (canonical(vector) == vector).all()


def test_body_to_camera_moves_every_vertex_like_the_camera() -> None:
    rng = np.random.default_rng(1)
    pelvis, vertices = rng.normal(size=3), rng.normal(size=(50, 3))
    orient, transl, t = rng.normal(size=(3, 3))
    camera = rotation_matrix(rng.normal(size=3))

    def posed(orient: np.ndarray, transl: np.ndarray) -> np.ndarray:
        return (vertices - pelvis) @ rotation_matrix(orient).T + pelvis + transl

    expected = posed(orient, transl) @ camera.T + t
    np.testing.assert_allclose(
        posed(*body_to_camera(camera, t, orient, transl, pelvis)), expected, atol=1e-12
    )


def test_compose_multiplies_from_the_left() -> None:
    both = rotation_matrix(compose(rotate_x(0.3), [0.0, 0.7, 0.0]))
    np.testing.assert_allclose(both, rotate_x(0.3) @ rotate_y(0.7), atol=1e-12)


def test_a_point_one_metre_right_at_two_metres_is_half_a_focal_length_right() -> None:
    pixel = project([[1.0, 0.0, 2.0]], [1000.0, 900.0], [320.0, 240.0])
    np.testing.assert_allclose(pixel, [[820.0, 240.0]])


def test_pure_radial_distortion_moves_a_point_outwards_by_one_plus_k1_r2() -> None:
    coefficients = [0.1, 0, 0, 0, 0, 0, 0, 0]
    pixel = project([[0.5, 0.0, 1.0]], [100, 100], [0, 0], coefficients, "opencv_rational")
    np.testing.assert_allclose(pixel, [[50 * (1 + 0.1 * 0.25), 0]])


def test_an_unknown_distortion_model_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="fisheye"):
        project([[0.0, 0.0, 1.0]], [1, 1], [0, 0], [0] * 8, "fisheye")


def test_boxes_are_tight_and_leave_out_points_that_are_nan() -> None:
    box = box_around([[1.0, 2.0], [4.0, 8.0], [np.nan, 3.0]])
    np.testing.assert_allclose(box, [1, 2, 3, 6])
    assert np.isnan(box_around(np.full((3, 2), np.nan))).all()


def test_clipping_a_box_half_outside_halves_it() -> None:
    np.testing.assert_allclose(clip_box([-10, 5, 20, 10], 100, 100), [0, 5, 10, 10])
    assert clip_box([200, 5, 20, 10], 100, 100)[2] == 0


@pytest.mark.parametrize("code", range(1, 9))
def test_orient_pixels_turns_as_pillow_turns_a_picture_with_that_exif_code(code: int) -> None:
    from PIL import Image, ImageOps

    width, height = 7, 5
    marked = Image.new("L", (width, height))
    marked.putpixel((4, 1), 255)
    marked.getexif()[0x0112] = code
    exif = marked.getexif()
    exif[0x0112] = code
    turned = np.asarray(ImageOps.exif_transpose(marked))
    row, column = np.argwhere(turned == 255)[0]
    found = orient_pixels([4.5, 1.5], code, width, height)
    np.testing.assert_allclose(found, [column + 0.5, row + 0.5])
