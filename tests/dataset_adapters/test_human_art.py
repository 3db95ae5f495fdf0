"""Human-Art: names of images, 17 of 21 joints, files that are not read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.human_art import adapter
from ehpsbench.dataset_adapters.release import Unit, open_release
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances, present
from ehpsbench.skeleton.human_data import INDEX

BODIES = open_bodies("small")
NAME = "HumanArt/images/real_human/dance/7.jpg"


def read(root: Path, annotation: dict[str, Any], name: str = NAME, **image: Any) -> Instances:
    (root / "annotations").mkdir(exist_ok=True)
    record = {"id": 7, "file_name": name, "width": 300, "height": 200, **image}
    person = {"id": 31, "image_id": 7, "bbox": [1, 2, 3, 4], **annotation}
    content = json.dumps({"images": [record], "annotations": [person]})
    (root / "annotations/training_humanart.json").write_text(content)
    (unit,) = adapter.units(open_release(root, catalogue.card("human_art")))
    return adapter.read(unit, BODIES)


def joint(found: Instances, name: str) -> list[float]:
    points = np.ma.getdata(found.columns["keypoints2d"])[0].reshape(144, 3)
    return list(points[INDEX[name]])


def test_the_first_17_of_21_joints_are_coco_s_and_fingers_and_toes_go_nowhere(
    tmp_path: Path,
) -> None:
    values = np.column_stack([np.arange(21), np.arange(21) + 100, np.full(21, 2)])
    values[10, 2] = 1  # the right wrist is occluded
    found = read(tmp_path, {"keypoints_21": values.ravel().tolist(), "num_keypoints_21": 21})
    assert joint(found, "nose") == [0, 100, 2]
    assert joint(found, "right_wrist") == [10, 110, 1]
    assert joint(found, "right_ankle") == [16, 116, 2]
    assert (found.columns["keypoints2d"][0].reshape(144, 3)[:, 2] > 0).sum() == 17
    assert found.columns["instance_id"].tolist() == ["human_art/training/real_human:dance/0/7/31"]


@pytest.mark.parametrize(
    ("name", "on_disk"),
    [
        (NAME, "images/real_human/dance/7.jpg"),
        ("images/real_human/dance/7.jpg", "images/real_human/dance/7.jpg"),
        ("real_human/dance/7.jpg", "images/real_human/dance/7.jpg"),
    ],
)
def test_images_are_found_whatever_their_names_begin_with(
    tmp_path: Path, name: str, on_disk: str
) -> None:
    (tmp_path / on_disk).parent.mkdir(parents=True)
    (tmp_path / on_disk).write_bytes(b"")
    found = read(tmp_path, {}, name)
    assert found.images["image_path"].tolist() == [on_disk]
    assert found.images["sequence"].tolist() == ["real_human/dance"]


def test_without_images_the_first_folder_of_a_name_is_the_dataset_s(tmp_path: Path) -> None:
    assert read(tmp_path, {}).images["image_path"].tolist() == ["images/real_human/dance/7.jpg"]


def test_who_has_no_joints_is_there_without_keypoints_and_does_not_count(tmp_path: Path) -> None:
    columns = read(tmp_path, {"keypoints": [0] * 51, "num_keypoints": 0}).columns
    assert not present(columns["keypoints2d"]).any()
    assert columns["owner_valid"].tolist() == [False]
    assert columns["bbox"].tolist() == [[1, 2, 3, 4]]


def test_mixed_and_partial_files_are_not_units(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    for name in ("humanart", "coco", "humanart_coco", "humanart_dance"):
        (tmp_path / f"annotations/validation_{name}.json").write_text("{}")
    found: list[Unit] = list(adapter.units(open_release(tmp_path, catalogue.card("human_art"))))
    assert [unit.files[0].name for unit in found] == ["validation_humanart.json"]


def test_joints_of_another_count_are_an_error_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"training_humanart\.json"):
        read(tmp_path, {"keypoints": [1.0] * 42})
