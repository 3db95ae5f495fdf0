"""HumanData's cameras and images: lenses, sizes, names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.errors import MissingFiles
from ehpsbench.schema import present

Make = Callable[..., Any]
Content = dict[str, Any]
COUNT = 4
SLICED = ("image_path", "bbox_xywh", "keypoints2d")


@pytest.mark.parametrize(
    "value",
    [500.0, (500.0, 500.0), np.full((COUNT, 2), 500.0), [500.0] * COUNT, [(500.0, 500.0)] * COUNT],
)
@pytest.mark.parametrize("table", ["meta", "misc"])
def test_focal_lengths_of_any_shape_are_two_a_person(
    value: Any, table: str, changed: Make, columns_of: Make, tmp_path: Path
) -> None:
    values = changed("misc", focal_length=None)
    values[table] = values[table] | {"focal_length": value}
    found = columns_of(tmp_path, values)
    np.testing.assert_array_equal(found["focal"], np.full((COUNT, 2), 500.0))
    assert found["camera_valid"].all()


def test_one_principal_point_for_a_file_of_two_people_is_a_point(
    content: Make, columns_of: Make, tmp_path: Path
) -> None:
    values = content(misc={"focal_length": 500.0})
    values = {n: v[:2] if n in SLICED else v for n, v in values.items()}
    values["smplx"] = {name: rows[:2] for name, rows in values["smplx"].items()}
    values["meta"] = {"height": [200] * 2, "width": [300] * 2, "princpt": (140.0, 90.0)}
    values["meta"]["focal_length"] = [400.0, 500.0]  # but these are two people's
    found = columns_of(tmp_path, values)
    assert found["principal_point"].tolist() == [[140.0, 90.0]] * 2
    assert found["focal"].tolist() == [[400.0, 400.0], [500.0, 500.0]]


def test_without_a_camera_focal_is_null_and_the_camera_invalid(
    content: Make, columns_of: Make, tmp_path: Path
) -> None:
    found = columns_of(tmp_path, content(misc={}))
    assert not present(found["focal"]).any()
    assert not found["camera_valid"].any()


def test_a_focal_length_alone_looks_through_the_centre_of_the_image(
    changed: Make, columns_of: Make, tmp_path: Path
) -> None:
    found = columns_of(tmp_path, changed("misc", principal_point=None))
    assert found["principal_point"].tolist() == [[150.0, 100.0]] * COUNT
    assert not found["camera_valid"].any()


@pytest.mark.parametrize(
    ("meta", "misc"),
    [
        ({"height": [200] * COUNT, "width": [300] * COUNT}, {}),
        ({"image_height": [200] * COUNT, "image_width": [300] * COUNT}, {}),
        ({"height": [], "width": []}, {"image_shape": (200, 300)}),
        ({}, {}),
    ],
)
def test_the_size_of_an_image_is_looked_up_and_measured_last(
    meta: Content, misc: Content, write: Make, content: Make, read: Make, tmp_path: Path
) -> None:
    from PIL import Image

    for name in ("a/000007.jpg", "b/000008.jpg"):
        (tmp_path / "img/bedlam" / name).parent.mkdir(parents=True)
        Image.new("RGB", (300, 200)).save(tmp_path / "img/bedlam" / name)
    images = read(write(tmp_path, content(meta=meta, misc=misc))).images
    assert images["height"].tolist() == [200, 200]
    assert images["width"].tolist() == [300, 300]
    assert images["image_path"].tolist() == [
        f"img/bedlam/{a}" for a in ("a/000007.jpg", "b/000008.jpg")
    ]


def test_a_size_that_nothing_tells_asks_for_the_images(
    content: Make, columns_of: Make, tmp_path: Path
) -> None:
    with pytest.raises(MissingFiles, match="how large its images are"):
        columns_of(tmp_path, content(meta={}))


def test_paths_of_any_spelling_name_the_same_images(
    write: Make, content: Make, read: Make, tmp_path: Path
) -> None:
    paths = ["/a/p_1_720.jpg", "a\\p_1_720.jpg", "a/p_2_720.jpg", "a/face.jpg"]
    instances = read(write(tmp_path, content(image_path=paths)))
    assert instances.images["image_path"].tolist() == [
        "a/p_1_720.jpg",
        "a/p_2_720.jpg",
        "a/face.jpg",
    ]
    assert instances.images["image_id"].tolist() == [
        "bedlam/train/a:p_1_720/0/720",  # 720 is no frame number
        "bedlam/train/a:p_2_720/0/720",
        "bedlam/train/a:face/0/0",
    ]
