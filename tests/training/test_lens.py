"""Lenses: what a distorted image shows lands where the pinhole of the view says it does."""

import numpy as np
import pytest
from PIL import Image

from ehpsbench.errors import InputError
from ehpsbench.geometry import box_around, project
from ehpsbench.training.crops import CropSize, cut
from ehpsbench.training.lens import Lens, pinhole
from ehpsbench.training.recipe import Input
from ehpsbench.training.views import views

SETTINGS = Input(height=256, width=192)
SIZE = (640, 480)
# A wide lens, a strong barrel, a cushion; the second has tangential terms that one can see.
LENSES = {
    "wide": [-0.28, 0.07, 2e-4, -3e-4, -0.008, 0.0, 0.0, 0.0],
    "rational": [0.9, -0.1, 4e-3, -6e-3, 0.01, 1.3, 0.1, 0.02],
    "cushion": [0.2, 0.05, -1e-3, 1e-3, 0.0, 0.0, 0.0, 0.0],
}


def rows(lens, box=(300.0, 80, 120, 200)):
    return {
        "width": np.array([SIZE[0]]),
        "height": np.array([SIZE[1]]),
        "focal": np.array([[420.0, 430.0]]),
        "principal_point": np.array([[325.0, 236.0]]),
        "distortion": np.array([LENSES[lens]]),
        "distortion_model": np.array(["opencv_rational"], object),
        "bbox": np.array([box]),
    }


def camera(columns):
    return columns["focal"], columns["principal_point"]


@pytest.mark.parametrize("lens", LENSES)
def test_undoing_the_distortion_of_a_projection_gives_the_pinhole_s_pixels(lens):
    columns = rows(lens)
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(-0.7, 0.7, (1, 300, 2)), np.ones((1, 300, 1))], 2)
    bent = project(points, *camera(columns), columns["distortion"], "opencv_rational")
    np.testing.assert_allclose(pinhole(columns, bent), project(points, *camera(columns)), atol=1e-2)
    np.testing.assert_allclose(
        Lens.of(columns).image(project(points, *camera(columns))), bent, atol=1e-9
    )


def test_a_pixel_that_the_lens_cannot_have_seen_is_unknown_and_a_pinhole_changes_nothing():
    assert np.isnan(pinhole(rows("wide"), np.array([[[9000.0, 9000.0]]]))).all()
    plain = rows("wide") | {"distortion_model": np.array([None], object)}
    pixels = np.array([[[9000.0, 9000.0], [3.0, 4.0]]])
    np.testing.assert_array_equal(pinhole(plain, pixels), pixels)


@pytest.mark.parametrize("lens", LENSES)
@pytest.mark.parametrize("scale", [1, 3])
def test_a_point_seen_through_the_lens_lands_where_the_view_s_camera_says(lens, scale):
    """Spots are painted where the lens shows six points; at scale 3 the crop shrinks them."""
    columns = rows(lens)
    columns |= {k: columns[k] * scale for k in ("width", "height", "focal", "principal_point")}
    columns["bbox"] = columns["bbox"] * scale
    points = np.array(
        [[0.0, -0.2], [0.1, 0.1], [0.15, -0.1], [0.2, 0.05], [-0.02, 0.02], [0.05, -0.3]]
    )
    points = np.concatenate([points, np.ones((6, 1))], 1)[None] * 2.0
    seen = project(points, *camera(columns), columns["distortion"], "opencv_rational")
    columns["bbox"] = box_around(seen)
    where = views(columns, 0.75, 1.2)
    said = points[0] @ where.rotation[0].T @ where.camera[0].T
    size = CropSize.of(SETTINGS)
    expected = (said[:, :2] / said[:, 2:] / size.margin + 1) / 2 * (size.width, size.height)
    assert (expected > 0).all()
    assert (expected < (size.width, size.height)).all()
    bent_away = (points[0] @ where.rotation[0].T)[:, :2]  # not all in the middle of the view
    assert np.abs(bent_away).max() > 0.2
    for spot, place in zip(seen[0], expected, strict=True):
        found = centre_of_light(
            cut(painted(spot, columns, 3.0 * scale), where, 0, size, Lens.of(columns))
        )
        np.testing.assert_allclose(found, place, atol=0.2)


def painted(spot, columns, width):
    y, x = np.mgrid[: int(columns["height"][0]), : int(columns["width"][0])] + 0.5
    light = 255 * np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / (2 * width**2))
    return Image.fromarray(np.repeat(light[..., None], 3, 2).astype(np.uint8))


def centre_of_light(crop):
    light = crop.astype(float).sum(-1) ** 2  # the tails of the spot weigh less
    y, x = np.mgrid[: light.shape[0], : light.shape[1]] + 0.5
    return np.array([(x * light).sum(), (y * light).sum()]) / light.sum()


def test_without_undoing_it_the_same_point_would_be_pixels_off():
    columns = rows("wide")
    point = np.array([[[0.5, -0.4, 1.0]]])
    bent = project(point, *camera(columns), columns["distortion"], "opencv_rational")
    assert np.abs(bent - project(point, *camera(columns))).max() > 10


def test_what_lies_past_the_lens_is_black():
    columns = rows("wide", (20.0, 20, 600, 440))
    where = views(columns, 0.75, 1.2)
    white = Image.new("RGB", SIZE, "white")
    crop = cut(white, where, 0, CropSize.of(SETTINGS), Lens.of(columns))
    assert crop[0, 0].max() == 0
    assert crop[180, 135].min() == 255


def test_a_distortion_model_that_is_not_known_is_refused():
    columns = rows("wide") | {"distortion_model": np.array(["fisheye"], object)}
    with pytest.raises(InputError, match="fisheye"):
        views(columns, 0.75, 1.2)
