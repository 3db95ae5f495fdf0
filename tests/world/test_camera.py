import numpy as np
import pytest

from ehpsbench.errors import InputError
from ehpsbench.world.camera import focal_of_view, look, look_at, ring


def test_a_view_of_90_degrees_over_200_px_has_a_focal_length_of_100():
    assert focal_of_view(np.pi / 2, 200) == pytest.approx(100)


def test_a_view_of_180_degrees_is_refused():
    with pytest.raises(InputError, match="field of view"):
        focal_of_view(np.pi, 200)


def test_a_point_ahead_is_the_centre_and_right_and_down_are_positive():
    camera = look(size=(100, 200), focal=50)
    pixels = camera.pixels(camera.to_camera([[0, 0, 2], [1, 0, 2], [0, 1, 2]]))
    np.testing.assert_allclose(pixels, [[100, 50], [125, 50], [100, 75]])


def test_looking_down_by_30_degrees_meets_the_ground_where_trigonometry_says():
    camera = look(pitch=np.radians(30), position=(0, -2, 0))
    ground = [0, 0, 2 / np.tan(np.radians(30))]
    np.testing.assert_allclose(camera.to_camera(ground), [0, 0, 4], atol=1e-12)


def test_yaw_to_the_right_brings_what_is_right_to_the_centre():
    camera = look(yaw=np.pi / 2)
    np.testing.assert_allclose(camera.to_camera([3, 0, 0]), [0, 0, 3], atol=1e-12)


def test_a_clockwise_roll_turns_the_picture_counter_clockwise():
    camera = look(roll=np.pi / 2)
    np.testing.assert_allclose(camera.to_camera([1, 0, 5]), [0, -1, 5], atol=1e-12)


def test_a_camera_that_looks_at_a_point_has_it_on_its_axis():
    camera = look_at((1, 2, 3), (-2, 0.5, 9), roll=0.3)
    distance = np.linalg.norm([3, 1.5, -6])
    np.testing.assert_allclose(camera.to_camera([1, 2, 3]), [0, 0, distance], atol=1e-12)
    np.testing.assert_allclose(camera.position, [-2, 0.5, 9])


def test_nine_cameras_of_a_ring_look_at_one_point_from_one_distance():
    cameras = ring(9, target=(0, 1, 5), radius=3)
    seen = np.array([camera.to_camera([0, 1, 5]) for camera in cameras])
    np.testing.assert_allclose(seen, np.tile([0, 0, 3.0], (9, 1)), atol=1e-12)
    np.testing.assert_allclose(cameras[0].position[0], 0, atol=1e-12)
    assert cameras[0].position[2] < 5


def test_there_and_back_again():
    camera = look(pitch=0.3, yaw=-1, roll=0.2, position=(1, 2, 3))
    points = np.random.default_rng(0).standard_normal((7, 3))
    np.testing.assert_allclose(camera.to_scene(camera.to_camera(points)), points)
    homogeneous = np.column_stack([points, np.ones(7)]) @ camera.matrix.T
    np.testing.assert_allclose(homogeneous[:, :3], camera.to_camera(points))


def test_scaled_and_cropped_views_move_pixels_alike():
    camera, points = look(size=(100, 200)), [[0.2, -0.1, 3], [1, 1, 4]]
    pixels = camera.pixels(points)
    np.testing.assert_allclose(camera.scaled(0.5).pixels(points), pixels / 2)
    np.testing.assert_allclose(camera.cropped(30, 10, 50, 50).pixels(points), pixels - [30, 10])
    assert (camera.scaled(0.5).height, camera.cropped(30, 10, 60, 50).width) == (50, 60)
