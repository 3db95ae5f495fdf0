"""GTA-Human's lens is the game's, hands are 24 components without a mean, fits can be invalid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_vertices
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.gta_human import adapter, sample
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


def read(root: Path, sequence: int = 0) -> Instances:
    units = list(adapter.units(open_release(root, catalogue.card("gta_human"))))
    return adapter.read(units[sequence], BODIES)


def place(root: Path, person: int) -> Path:
    return root / f"annotations/{sample.SEQUENCES[0]}/{sample.PEOPLE[person]}.npz"


def stored(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=True) as arrays:
        return dict(arrays)


def test_the_focal_length_is_50_degrees_over_the_height(root: Path) -> None:
    assert read(root).columns["focal"][0] == pytest.approx([540 / np.tan(np.radians(25))] * 2)


def test_a_hand_is_its_components_times_the_first_24_and_no_mean(root: Path) -> None:
    weights = stored(place(root, 1))["left_hand_pose"]
    model = BODIES.model("smplx", "neutral")
    columns = read(root).columns
    mine = columns["person"] == sample.PEOPLE[1]
    assert weights.shape[1] == 24
    expected = weights[0] @ model.left_hand_components[:24]
    assert np.asarray(columns["left_hand_pose"][mine][0]) == pytest.approx(expected)


def test_of_69_angles_the_first_63_are_the_body(root: Path) -> None:
    poses = [stored(place(root, person))["body_pose"] for person in (0, 1)]
    assert [p.shape[1] for p in poses] == [63, 69]
    columns = read(root).columns
    mine = columns["person"] == sample.PEOPLE[1]
    assert np.asarray(columns["body_pose"][mine][0]) == pytest.approx(poses[1][0, :63])


def test_who_is_hidden_and_where_the_nose_and_a_finger_are(root: Path) -> None:
    content = stored(place(root, 1))
    columns = read(root).columns
    row = int(np.flatnonzero(columns["person"] == sample.PEOPLE[1])[0])
    assert columns["occlusion"][row] == pytest.approx(0.3)
    points = columns["keypoints2d"][row].reshape(144, 3)
    for name, joint in (("nose", 99), ("left_index_1", 56), ("right_hip", 16)):
        assert points[INDEX[name]] == pytest.approx(content["keypoints_2d"][0, joint])


def test_somebody_with_an_invalid_fit_has_joints_but_no_body(root: Path) -> None:
    columns = read(root, 1).columns
    unfit = columns["person"] == sample.PEOPLE[1]
    assert np.ma.getmaskarray(columns["body_pose"])[unfit].all()
    assert not columns["owner_valid"][unfit].any()
    assert not columns["body_valid"][unfit].any()
    assert columns["owner_valid"][~unfit].all()
    assert (columns["keypoints2d"][unfit].reshape(-1, 144, 3)[:, INDEX["nose"], 2] > 0).all()


def test_the_first_release_is_smpl_in_the_camera_frame(tmp_path: Path) -> None:
    order = Order(tmp_path, BODIES, WorldSettings(), 4, 4, "none", "train")
    truth = sample.write_first(order)
    columns = read(tmp_path).columns
    assert set(columns["source_model"]) == {"smpl"}
    assert not columns["shape_valid"].any()
    assert "left_hand_pose" not in columns
    found = posed_vertices(columns, BODIES)
    for key, vertices in zip(columns["instance_id"], found, strict=True):
        expected = truth.vertices[truth.instance_id.index(key)]
        assert vertices == pytest.approx(expected, abs=1e-4)


def test_people_of_one_sequence_with_different_frames_are_refused(root: Path) -> None:
    path = place(root, 1)
    content = stored(path)
    save_npz(path, **(content | {"transl": content["transl"][:-1]}))
    with pytest.raises(InputError, match=r"003072\.npz: expected \d+ frames"):
        read(root)


def test_a_body_of_another_width_is_named(root: Path) -> None:
    path = place(root, 0)
    content = stored(path)
    save_npz(path, **(content | {"body_pose": content["body_pose"][:, :60]}))
    with pytest.raises(InputError, match=r"000512\.npz: body_pose is \(\d+, 60\)"):
        read(root)
