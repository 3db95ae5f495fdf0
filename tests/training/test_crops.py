"""Crops: a painted spot comes out where the geometry says, through orientation, crop and cache."""

import numpy as np
import pytest
from PIL import Image

from ehpsbench.errors import InputError
from ehpsbench.geometry import orient_pixels, orient_size
from ehpsbench.training.crops import CropSize
from ehpsbench.training.data import pictures
from ehpsbench.training.recipe import Input
from ehpsbench.training.views import views

SETTINGS = Input(height=64, width=48, store="raw")
STORED = (200, 160)


def spotted(path, spot):
    """An image whose brightness is a smooth spot about `spot` (x, y) in the stored file."""
    y, x = np.mgrid[: STORED[1], : STORED[0]] + 0.5
    bright = 255 * np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / (2 * 4.0**2))
    Image.fromarray(np.repeat(bright[..., None], 3, 2).astype(np.uint8)).save(path)


def row(orientation, box):
    width, height = orient_size(orientation, *STORED)
    return {
        "instance_id": np.array(["a/x/0/0/0/0"], object),
        "dataset": np.array(["a"], object),
        "image_path": np.array(["a.png"], object),
        "orientation": np.array([orientation]),
        "width": np.array([width]),
        "height": np.array([height]),
        "bbox": np.array([box], float),
    }


def cropped(columns, folder, progress=None):
    """The first person's crop."""
    found = pictures(columns, folder, folder / "cache", SETTINGS, progress=progress)
    assert len(found) == len(columns["bbox"])
    return found[np.array([0])][0]


def centre_of_light(image):
    """(x, y) in continuous pixels."""
    light = image.astype(float).sum(-1)
    y, x = np.mgrid[: light.shape[0], : light.shape[1]] + 0.5
    return np.array([(x * light).sum(), (y * light).sum()]) / light.sum()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("half", [(15, 25), (60, 70)])
def test_a_spot_lands_where_the_crop_says_through_every_orientation(tmp_path, orientation, half):
    spot = (70.0, 60.0)
    spotted(tmp_path / "a.png", spot)
    seen = orient_pixels(np.array(spot), orientation, *STORED)
    middle = seen + np.array([3, -5])
    columns = row(orientation, [*(middle - half), *(2 * np.array(half))])
    found = cropped(columns, tmp_path)
    size = CropSize.of(SETTINGS)
    where = views(columns, 0.75, SETTINGS.padding)
    expected = (seen - where.centre[0]) / where.half[0] / size.margin
    pixel = (expected + 1) / 2 * (size.width, size.height)
    np.testing.assert_allclose(centre_of_light(found), pixel, atol=0.25)


def test_outside_the_image_a_crop_is_black_and_inside_it_is_not(tmp_path):
    Image.new("RGB", STORED, "white").save(tmp_path / "a.png")
    found = cropped(row(1, [-30, -40, 60, 80]), tmp_path)
    height, width = found.shape[:2]
    assert found[: height // 2].max() == 0
    assert found[:, : width // 2].max() == 0
    assert found[height // 2 + 1 :, width // 2 + 1 :].min() == 255


def test_a_benchmark_s_people_are_cut_once_and_again_when_box_or_image_change(tmp_path):
    spotted(tmp_path / "a.png", (50, 50))
    told = []
    for box in ([20, 20, 40, 60], [20, 20, 40, 60], [21, 20, 40, 60]):
        cropped(row(1, box), tmp_path, lambda *now: told.append(now))
    assert told == [(1, 1)] * 2
    spotted(tmp_path / "a.png", (90, 70))
    cropped(row(1, [20, 20, 40, 60]), tmp_path, lambda *now: told.append(now))
    assert told == [(1, 1)] * 3


def test_jpeg_crops_are_close_to_raw_ones_and_have_no_coarser_colours(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (20, 25, 3)).astype(np.uint8)
    Image.fromarray(pixels).resize(STORED, Image.Resampling.BICUBIC).save(tmp_path / "a.png")
    columns = row(1, [40, 20, 100, 120])
    raw = cropped(columns, tmp_path)
    found = pictures(columns, tmp_path, tmp_path / "jpeg", Input(height=64, width=48))[:1][0]
    Image.fromarray(raw).save(tmp_path / "coarse.jpg", quality=92, subsampling=2)
    coarse = np.asarray(Image.open(tmp_path / "coarse.jpg"))
    assert 0 < np.abs(found.astype(float) - raw).mean() < 2.5
    assert colour_error(found, raw) < 0.6 * colour_error(coarse, raw)


def colour_error(found, wanted):
    off = found.astype(float) - wanted
    return np.abs(off - off.mean(-1, keepdims=True)).mean()


def test_nobody_has_no_crops(tmp_path):
    columns = {name: values[:0] for name, values in row(1, [0, 0, 9, 9]).items()}
    assert len(pictures(columns, tmp_path, tmp_path / "cache", SETTINGS)) == 0


def test_an_image_of_another_size_than_its_labels_is_refused(tmp_path):
    Image.new("RGB", (100, 80)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="100×80 after orientation, its labels are for 200×160"):
        cropped(row(1, [0, 0, 9, 9]), tmp_path)
