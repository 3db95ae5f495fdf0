"""The traps of SLOPER4D: which translation counts, the LiDAR's path, rows that do not count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.release import Unit, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.sloper4d import adapter, sample
from ehpsbench.dataset_adapters.sloper4d.cameras import extrinsics, lidar_poses
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import dump_plain, load
from ehpsbench.schema import present
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> list[Unit]:
    root = tmp_path_factory.mktemp("sloper4d")
    sample.write(Order(root, BODIES, WorldSettings(), seed=3, people=9, images="none"))
    return list(adapter.units(open_release(root, catalogue.card("sloper4d"))))


def rewritten(data: dict[str, Any], root: Path) -> Unit:
    """The one sequence of a new release."""
    path = root / "seq009_x_001" / "seq009_x_001_labels.pkl"
    path.parent.mkdir()
    dump_plain(data, path)
    return next(adapter.units(open_release(root, catalogue.card("sloper4d"))))


def test_a_quaternion_has_its_real_part_last_and_a_pose_takes_the_lidar_to_the_world() -> None:
    half = np.sqrt(0.5)
    row = np.array([[7, 1.0, 2.0, 3.0, 0, 0, half, half, 0.1]])  # a quarter turn about z
    expected = [[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]]
    assert lidar_poses(row)[0] == pytest.approx(np.array(expected), abs=1e-12)
    data = {
        "first_person": {"lidar_traj": row},
        "RGB_frames": {},
        "RGB_info": {"lidar2cam": np.diag([-1.0, 1.0, -1.0, 1.0])},
    }
    ahead = np.array([1.0, 3.0, 3.0, 1.0])  # one metre along the LiDAR's x
    assert extrinsics(data, 1)[0] @ ahead == pytest.approx([-1.0, 0.0, 0.0, 1.0])


def test_the_pelvis_follows_opt_trans_and_not_trans(units: list[Unit]) -> None:
    data = load(units[0].files[0])
    columns = adapter.read(units[0], BODIES).columns
    person, model = data["second_person"], BODIES.model("smpl", data["second_person"]["gender"])
    pelvis = model.rest_joints(person["beta"][None])[0, 0]
    place = np.append(pelvis + person["opt_trans"][0], 1.0)
    expected = (data["RGB_frames"]["cam_pose"][0] @ place)[:3]
    assert pelvis + columns["transl"][0] == pytest.approx(expected)


def test_frames_past_the_count_or_without_an_image_do_not_count(units: list[Unit]) -> None:
    data = load(units[1].files[0])
    columns = adapter.read(units[1], BODIES).columns
    total = data["total_frames"]
    assert len(data["second_person"]["opt_pose"]) == total + sample.LATE
    expected = [row for row in range(total) if row != sample.UNSYNCHRONISED]
    assert columns["source_row"].tolist() == expected
    assert columns["frame"].tolist() == [sample.FIRST + row for row in expected]


def test_who_is_not_detected_has_no_keypoints_and_the_box_of_the_joints(units: list[Unit]) -> None:
    columns = adapter.read(units[1], BODIES).columns
    (row,) = np.flatnonzero(columns["source_row"] == sample.UNSEEN)
    assert np.flatnonzero(~present(columns["keypoints2d"])).tolist() == [row]
    joints = posed_joints(columns, BODIES)[0][row, :22]
    pixels = columns["focal"][row] * joints[:, :2] / joints[:, 2:] + columns["principal_point"][row]
    size = [columns["width"][row], columns["height"][row]]
    corners = np.clip([pixels.min(0), pixels.max(0)], 0, size)
    expected = [*corners[0], *(corners[1] - corners[0])]
    assert np.allclose(columns["bbox"][row], expected, atol=1e-6)
    assert present(columns["bbox"]).all()
    assert columns["body_valid"].all()


def test_without_a_lens_the_owners_own_counts(units: list[Unit]) -> None:
    images = adapter.read(units[2], BODIES).images
    assert set(map(tuple, images["focal"])) == {(599.628, 599.466)}
    assert set(map(tuple, images["principal_point"])) == {(971.613, 540.258)}
    assert set(images["width"]) == {1920}


def test_a_sequence_without_synchronised_images_is_empty(units: list[Unit], tmp_path: Path) -> None:
    data = load(units[0].files[0])
    del data["RGB_frames"]
    found = adapter.read(rewritten(data, tmp_path), BODIES)
    assert len(found) == 0
    assert found.images_to_arrow().num_rows == 0


@pytest.mark.parametrize(
    ("part", "key"), [("RGB_info", "lidar2cam"), ("second_person", "opt_pose")]
)
def test_a_file_that_lacks_something_is_named(
    units: list[Unit], tmp_path: Path, part: str, key: str
) -> None:
    data = load(units[1].files[0])
    del data[part][key]
    with pytest.raises(InputError, match=rf"seq009_x_001_labels\.pkl.*{key}"):
        adapter.read(rewritten(data, tmp_path), BODIES)


def test_without_a_word_on_the_camera_the_owners_rig_leads_to_it() -> None:
    path = np.array([[7, 1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0, 0.05]])  # not turned
    data = {"RGB_frames": {}, "first_person": {"lidar_traj": path}}
    (chain,) = extrinsics(data, 1)
    # the LiDAR looks along x, its z is up: ahead is the camera's z, up is −y, left is −x
    ahead, up, left = (chain[:3, :3] @ axis for axis in ([1, 0, 0], [0, 0, 1], [0, 1, 0]))
    for found, expected in ((ahead, [0, 0, 1]), (up, [0, -1, 0]), (left, [-1, 0, 0])):
        assert np.abs(found - expected).max() < 0.05
    np.testing.assert_allclose(chain[:3, :3] @ chain[:3, :3].T, np.eye(3), atol=1e-6)
    at_lidar = chain @ [1.0, 2.0, 3.0, 1.0]
    np.testing.assert_allclose(at_lidar, [-0.00330376451, -0.0498469479, -0.0994979365, 1.0])
