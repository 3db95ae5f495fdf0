"""IMAR's cameras stand where `T` says, its lenses bend, and sides of limbs follow the bodies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.chi3d import adapter as chi3d
from ehpsbench.dataset_adapters.fit3d import adapter, sample
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 8, "none"))
    return tmp_path


def read(root: Path, name: str = "fit3d") -> Instances:
    unit = next(iter(adapter.units(open_release(root, catalogue.card(name)))))
    return adapter.read(unit, BODIES)


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_t_is_the_place_of_the_camera(root: Path) -> None:
    path = root / "train/s03/camera_parameters/50591643/squat.json"
    place = np.ravel(json.loads(path.read_text())["extrinsics"]["T"])
    columns = read(root).columns
    row = columns["camera"].tolist().index("50591643")
    turn = columns["world_rotation"][row].reshape(3, 3)
    assert turn @ place + columns["world_translation"][row] == pytest.approx(np.zeros(3), abs=1e-9)


def test_distortion_is_in_opencvs_order(root: Path) -> None:
    columns = read(root).columns
    assert columns["distortion"][0] == pytest.approx([-0.12, 0.08, 0.0006, -0.0004, -0.01, 0, 0, 0])


@pytest.mark.parametrize("swapped", [False, True])
def test_the_left_leg_is_where_the_body_has_it(root: Path, swapped: bool) -> None:
    path = root / "train/s03/joints3d_25/squat.json"
    points = np.array(json.loads(path.read_text())["joints3d_25"])
    if swapped:
        points[:, [1, 2, 3, 4, 5, 6]] = points[:, [4, 5, 6, 1, 2, 3]]
        edit(path, joints3d_25=points.tolist())
    columns = read(root).columns
    stored = columns["keypoints3d"][0].reshape(144, 4)
    body = posed_joints(dict(columns), BODIES)[0][0]
    for name in ("left_knee", "right_knee", "left_ankle", "right_wrist"):
        assert stored[INDEX[name], :3] == pytest.approx(body[INDEX[name]], abs=1e-4)


def test_frames_count_as_far_as_they_were_cut(root: Path) -> None:
    folder = root / "train/s03/frames/50591643/squat"
    folder.mkdir(parents=True)
    (folder / "0000.jpg").touch()
    images = read(root).images
    shown = [f for f, c in zip(images["frame"], images["camera"], strict=True) if c == "50591643"]
    assert shown == [0]
    assert len(images["frame"]) > 4


def cut(root: Path, numbers: range) -> None:
    folder = root / "train/s03/frames/50591643/squat"
    folder.mkdir(parents=True)
    for number in numbers:
        (folder / f"{number:04d}.jpg").touch()


def test_of_frames_cut_here_and_there_those_count_that_are_there(root: Path) -> None:
    cut(root, range(0, 3, 2))
    images = read(root).images
    assert images["frame"][images["camera"] == "50591643"].tolist() == [0, 2]


def test_frames_numbered_from_1_are_refused(root: Path) -> None:
    cut(root, range(1, 9))
    with pytest.raises(InputError, match=r"squat begins with picture 1, .*start_number 0"):
        read(root)


def test_four_rows_for_each_frame_of_a_video_are_refused(root: Path) -> None:
    path = root / "train/s03/smplx/squat.json"
    rows = {key: values[:1] * 240 for key, values in json.loads(path.read_text()).items()}
    path.write_text(json.dumps(rows))
    (root / "train/s03/joints3d_25/squat.json").unlink()
    cut(root, range(60))
    with pytest.raises(InputError, match=r"60 frames for 240 rows of labels, 4 rows a frame"):
        read(root)


def test_one_person_where_two_are_expected_is_the_old_release(root: Path) -> None:
    unit = next(iter(adapter.units(open_release(root, catalogue.card("fit3d")))))
    with pytest.raises(InputError, match=r"squat\.json.*2023 or later"):
        chi3d.read(unit, BODIES)


def test_a_camera_without_a_lens_is_named(root: Path) -> None:
    edit(root / "train/s03/camera_parameters/50591643/squat.json", intrinsics_w_distortion={})
    with pytest.raises(InputError, match=r"50591643/squat\.json is no camera"):
        read(root)
