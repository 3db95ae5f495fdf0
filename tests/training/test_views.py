"""Views: where a crop lies and which way its camera looks."""

import numpy as np

from ehpsbench.geometry import project
from ehpsbench.training.views import views

ROWS = {
    "bbox": np.array([[30.0, 40, 20, 60], [500.0, 100, 100, 50]]),
    "width": np.array([640, 640]),
    "height": np.array([480, 480]),
    "focal": np.array([[500.0, 520.0], [300.0, 300.0]]),
    "principal_point": np.array([[310.0, 250.0], [320.0, 240.0]]),
}


def test_a_box_is_padded_and_grown_to_the_aspect_about_its_middle():
    where = views(ROWS, 0.75, 1.2)
    np.testing.assert_allclose(where.centre, [[40, 70], [550, 125]])
    # 20×60 → high enough: 72×54; 100×50 → too wide: 120 wide, so 160 high
    np.testing.assert_allclose(2 * where.half, [[54, 72], [120, 160]])


def test_the_view_looks_at_the_middle_of_the_crop_and_is_a_rotation():
    where = views(ROWS, 0.75, 1.2)
    ray = np.concatenate(
        [(where.centre - ROWS["principal_point"]) / ROWS["focal"], np.ones((2, 1))], 1
    )
    seen = (where.rotation @ ray[..., None])[..., 0]
    np.testing.assert_allclose(seen[:, :2], 0, atol=1e-12)
    np.testing.assert_allclose(
        where.rotation @ where.rotation.swapaxes(1, 2), np.tile(np.eye(3), (2, 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(where.rotation), 1)


def test_the_camera_of_a_view_puts_points_where_the_image_has_them():
    where = views(ROWS, 0.75, 1.2)
    points = np.array(
        [[[-1.8, -1.0, 3.0], [-1.6, -1.1, 3.4]], [[2.0, -1.2, 3.0], [2.2, -1.0, 2.5]]]
    )
    pixels = project(points, ROWS["focal"], ROWS["principal_point"])
    expected = (pixels - where.centre[:, None]) / where.half[:, None]
    seen = points @ where.rotation.swapaxes(1, 2) @ where.camera.swapaxes(1, 2)
    np.testing.assert_allclose(seen[..., :2] / seen[..., 2:], expected, atol=1e-12)


def test_half_the_crop_over_its_distance_is_tangent_times_depth():
    where = views({**ROWS, "focal": np.full((2, 2), 500.0), "bbox": ROWS["bbox"]}, 0.75, 1.2)
    middle = {**ROWS, "bbox": np.array([[300.0, 220, 20, 60]] * 2), "focal": np.full((2, 2), 500.0)}
    assert np.isclose(views(middle, 0.75, 1.0).tangent[0], 30 / 500)
    assert (where.tangent < where.half[:, 1] / 500).all()  # off the axis the image is stretched


def test_an_unknown_focal_length_is_the_diagonal_and_an_unknown_centre_the_middle():
    rows = {k: ROWS[k] for k in ("width", "height")} | {
        "bbox": np.array([[310.0, 230, 20, 20]] * 2)
    }
    where = views(rows, 1.0, 1.0)
    np.testing.assert_allclose(where.rotation[0], np.eye(3))
    assert np.isclose(where.tangent[0], 10 / 800)
