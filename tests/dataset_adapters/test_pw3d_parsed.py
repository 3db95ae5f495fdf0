"""3DPW as Moon's projects parse it: NeuralAnnot's SMPL-X in the camera of the image."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.pw3d import adapter, sample
from ehpsbench.dataset_adapters.release import Release, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances, present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
TENTH = 1e-4  # m


@pytest.fixture
def release(tmp_path: Path) -> Release:
    order = Order(tmp_path / "PW3D", BODIES, WorldSettings(), 4, 8, "none")
    sample.write(order, "neuralannot")
    return open_release(tmp_path / "PW3D", catalogue.card("pw3d"))


def _read(release: Release, split: str) -> Instances:
    unit = next(unit for unit in adapter.units(release) if unit.name == split)
    return adapter.read(unit, BODIES)


def test_people_of_the_parsed_splits_are_those_of_the_world(
    recovered: Callable[..., tuple[dict[str, np.ndarray], float]],
) -> None:
    columns, worst = recovered("pw3d", source="neuralannot")
    assert worst < TENTH
    assert {*columns["split"]} == {"train", "validation", "test"}
    assert {*columns["labels"]} - {None} == {"neuralannot"}
    assert {*columns["source_model"]} - {None} == {"smplx"}
    assert not columns["left_hand_valid"].any()
    assert (columns["camera_valid"] == columns["body_valid"]).all()


def test_a_fit_is_in_the_camera_of_its_image_and_hands_rest_at_the_mean(release: Release) -> None:
    labels, fits = (
        json.loads((release.root / f"data/3DPW_train{kind}.json").read_text())
        for kind in ("", "_SMPLX_NeuralAnnot")
    )
    columns = _read(release, "train").columns
    row, person = 1, labels["annotations"][1]
    image = next(i for i in labels["images"] if i["id"] == person["image_id"])
    assert "cam_param" not in fits[str(person["id"])]
    assert columns["transl"][row].tolist() == fits[str(person["id"])]["trans"]
    assert columns["focal"][row].tolist() == image["cam_param"]["focal"]
    assert np.allclose(columns["left_hand_pose"][row], BODIES.model("smplx").hand_mean("left"))
    assert columns["image_path"][row] == f"data/imageFiles/{image['sequence']}/image_00001.jpg"
    assert columns["instance_id"][row].endswith(f"{image['sequence']}/0/1/{person['person_id']}")


def test_joints_are_metres_in_the_camera_and_the_box_is_tight_around_them(release: Release) -> None:
    path = release.root / "data/3DPW_train.json"
    labels = json.loads(path.read_text())
    image, person = labels["images"][0], labels["annotations"][0]
    joints = np.tile([0.0, 0.0, 4.0], (24, 1))
    joints[16], joints[17] = (0.5, -0.25, 4.0), (-0.5, 0.5, 4.0)  # SMPL's shoulders
    image |= {
        "width": 800,
        "height": 600,
        "cam_param": {"focal": [400, 400], "princpt": [400, 300]},
    }
    person["joint_cam"] = joints.tolist()
    path.write_text(json.dumps(labels))
    columns = _read(release, "train").columns
    stored = columns["keypoints3d"][0].reshape(-1, 4)
    assert stored[INDEX["left_shoulder"]].tolist() == [0.5, -0.25, 4.0, 1.0]
    assert columns["bbox"][0].tolist() == [350.0, 275.0, 100.0, 75.0]  # 400 px · 0.5 m / 4 m


def test_who_has_no_fit_has_joints_alone(release: Release) -> None:
    columns = _read(release, "test").columns
    bare = ~present(columns["transl"])
    assert bare.sum() == 1
    assert not columns["body_valid"][bare].any()
    assert present(columns["keypoints3d"]).all()
    assert columns["owner_valid"].all()


def test_the_owners_sequence_files_come_first(release: Release) -> None:
    order = Order(release.root, BODIES, WorldSettings(), 4, 8, "none")
    sample.write(order)
    assert all(u.files[0].suffix == ".pkl" for u in adapter.units(release))


def test_a_broken_fit_names_its_file(release: Release) -> None:
    path = release.root / "data/3DPW_train_SMPLX_NeuralAnnot.json"
    fits = json.loads(path.read_text())
    del fits["0"]["trans"]
    path.write_text(json.dumps(fits))
    with pytest.raises(InputError, match=r"3DPW_train_SMPLX_NeuralAnnot\.json"):
        _read(release, "train")
