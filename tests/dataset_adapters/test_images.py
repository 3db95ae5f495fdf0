"""Columns of images: one value for all, sizes from headers, vectors of any shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import read_frames, read_json, save_json
from ehpsbench.dataset_adapters.images import header_sizes, image_columns
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.schema import Instances

UNIT = Unit("u", Release(Path("/r"), catalogue.card("emdb"), "emdb"), (Path("/r/a.pkl"),))


def columns(**more: Any) -> dict[str, np.ndarray]:
    paths = ["a/1.jpg", "a/2.jpg", "a/3.jpg"]
    return image_columns(
        UNIT, paths, (640, 480), split="train", sequence="a", frame=[1, 2, 3], **more
    )


def test_one_value_counts_for_every_image_and_fits_the_schema() -> None:
    found = columns(focal=500, world_rotation=np.eye(3), fps=10.0, cluster="a", camera="7")
    assert found["image_id"].tolist() == [f"emdb/train/a/7/{i}" for i in (1, 2, 3)]
    assert found["focal"].tolist() == [[500, 500]] * 3
    assert found["principal_point"].tolist() == [[320, 240]] * 3
    assert found["world_rotation"].tolist() == [np.eye(3).ravel().tolist()] * 3
    assert found["timestamp"].tolist() == [0.1, 0.2, 0.3]
    assert set(found["source_file"]) == {"a.pkl"}
    assert Instances({}, found).images_to_arrow().num_rows == 3


def test_three_matrices_of_three_images_are_not_one() -> None:
    turns = np.stack([np.eye(3), 2 * np.eye(3), 3 * np.eye(3)])
    found = columns(world_rotation=turns, world_translation=np.arange(9.0).reshape(3, 3))
    assert found["world_rotation"][:, 0].tolist() == [1, 2, 3]
    assert found["world_translation"].tolist() == np.arange(9.0).reshape(3, 3).tolist()


def test_a_short_distortion_is_padded_and_named() -> None:
    found = columns(focal=1, distortion=[0.1, 0.2, 0.3, 0.4, 0.5])
    assert found["distortion"][0].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0, 0, 0]
    assert set(found["distortion_model"]) == {"opencv_rational"}


def test_masked_rows_stay_null() -> None:
    hidden = np.ma.MaskedArray(np.ones((3, 3)), [[False] * 3, [True] * 3, [False] * 3])
    table = Instances({}, columns(world_translation=hidden)).images_to_arrow()
    assert table["world_translation"].is_null().to_pylist() == [False, True, False]


def test_sizes_are_those_of_the_headers_and_missing_pictures_have_none(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    paths = ["a.png", "b.png", "a.png"]
    assert header_sizes(tmp_path, paths).tolist() == [[30, 20], [0, 0], [30, 20]]
    assert header_sizes(tmp_path, paths, (5, 6)).tolist() == [[30, 20], [5, 6], [30, 20]]
    with pytest.raises(MissingFiles, match=r"b\.png"):
        header_sizes(tmp_path, ["b.png"])


def test_tables_of_frames_are_read_by_key_and_a_faulty_file_is_named(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.json" for i in range(2)]
    for i, path in enumerate(paths):
        save_json(path, {"betas": np.full((1, 3), i), "hand": [[1, 2]]})
    found = read_frames(paths, {"betas": 3, "hand": None}, read_json)
    assert found["betas"].tolist() == [[0, 0, 0], [1, 1, 1]]
    assert found["hand"].shape == (2, 2)
    save_json(paths[1], {"betas": [1], "hand": [1, 2]})
    with pytest.raises(InputError, match=r"1\.json.*'betas' has 1 values, expected 3"):
        read_frames(paths, {"betas": 3}, read_json)
