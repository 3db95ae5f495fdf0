"""LSPET: versions of EFT's files, people with keypoints alone, images of another edition."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.lspet import adapter
from ehpsbench.dataset_adapters.readers.matlab_sample import save_mat
from ehpsbench.dataset_adapters.release import Unit, open_release
from ehpsbench.errors import InputError
from ehpsbench.schema import present
from ehpsbench.skeleton.human_data import INDEX

BODIES = open_bodies("small")
SEEN = {"gt_keypoint_2d": [[0, 0, 0]] * 25 + [[200.0, 150, 1]] + [[0, 0, 0]] * 23}


def picture(root: Path, number: int, end: str = "png", size: tuple[int, int] = (320, 240)) -> None:
    path = root / f"hr-lspet/im{number:05d}.{end}"
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size).save(path)


def fits(root: Path, place: str, *numbers: int, **changes: Any) -> None:
    items = [
        {
            "parm_pose": [np.eye(3).tolist()] * 24,
            "parm_shape": [0.0] * 10,
            "parm_cam": [0.9, 0.0, 0.0],
            "bbox_scale": 1.0,
            "bbox_center": [160.0, 120.0],
            "imageName": f"im{number:05d}.png",
            **changes,
        }
        for number in numbers
    ]
    (root / place).parent.mkdir(exist_ok=True)
    (root / place).write_text(json.dumps({"ver": "1", "data": items}))


def units(root: Path) -> dict[str, Unit]:
    return {u.name: u for u in adapter.units(open_release(root, catalogue.card("lspet")))}


def test_of_two_versions_of_a_split_the_later_is_read(tmp_path: Path) -> None:
    picture(tmp_path, 1)
    for name in ("LSPet_ver01", "LSPet_train_ver10", "LSPet_test_ver10"):
        fits(tmp_path, f"eft_fit/{name}.json", 1)
    assert {n: u.key["split"] for n, u in units(tmp_path).items()} == {
        "LSPet_train_ver10": "train",
        "LSPet_test_ver10": "test",
    }


def test_the_older_folder_of_the_first_version_is_read(tmp_path: Path) -> None:
    picture(tmp_path, 1)
    fits(tmp_path, "LSPet_fit/LSPet_ver01.json", 1)
    (unit,) = units(tmp_path).values()
    columns = adapter.read(unit, BODIES).columns
    assert columns["instance_id"].tolist() == ["lspet/train/train/0/1/0"]


def test_whoever_eft_left_out_has_the_owners_visible_joints_and_no_body(tmp_path: Path) -> None:
    for number in (1, 3):
        picture(tmp_path, number, "jpg" if number == 3 else "png")
    fits(tmp_path, "eft_fit/LSPet_train_ver10.json", 1)
    joints = np.zeros((14, 3, 3))  # of three images, the second of which is not there
    joints[0, :, 2] = 40, 90, 1  # right ankle
    joints[8, :, 2] = 60, 30, 1  # right shoulder
    joints[13, :, 2] = -700, 9000, 0  # a head top that nobody sees
    save_mat(tmp_path / "hr-lspet/joints.mat", {"joints": joints})
    found = adapter.read(units(tmp_path)["joints"], BODIES)
    columns = found.columns
    assert columns["instance_id"].tolist() == ["lspet/train/train/0/3/0"]
    assert columns["image_path"].tolist() == ["hr-lspet/im00003.jpg"]
    points = columns["keypoints2d"].reshape(144, 3)
    assert points[INDEX["right_ankle"]].tolist() == [40, 90, 1]
    assert points[INDEX["right_shoulder"]].tolist() == [60, 30, 1]
    assert (points[:, 2] > 0).sum() == 2
    assert np.ma.getdata(columns["bbox"])[0].tolist() == [40, 30, 20, 60]
    assert "global_orient" not in columns
    assert not columns["body_valid"].any()


def test_fits_on_images_of_the_first_edition_are_refused(tmp_path: Path) -> None:
    fits(tmp_path, "eft_fit/LSPet_train_ver10.json", 1, 2, **SEEN)
    for number in (1, 2):
        picture(tmp_path, number)
    (unit,) = units(tmp_path).values()
    assert present(adapter.read(unit, BODIES).columns["keypoints2d"]).all()
    for number in (1, 2):
        picture(tmp_path, number, size=(110, 80))
    with pytest.raises(InputError, match=r"LSPet_train_ver10\.json.*high-resolution"):
        adapter.read(unit, BODIES)


def test_joints_of_lsp_are_not_those_of_lspet(tmp_path: Path) -> None:
    picture(tmp_path, 1)
    save_mat(tmp_path / "hr-lspet/joints.mat", {"joints": np.zeros((3, 14, 2))})
    with pytest.raises(InputError, match=r"joints\.mat: joints are \(3, 14, 2\)"):
        adapter.read(units(tmp_path)["joints"], BODIES)
