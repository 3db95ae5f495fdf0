"""HanCo: a view's own fit by the owners' formula, numbers not places, frames without a fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.hanco import adapter, sample
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.geometry import rotation_matrix
from ehpsbench.schema import Instances, present
from ehpsbench.skeleton.sources import RIGHT_HAND_21
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hanco")
    sample.write(Order(root, BODIES, WorldSettings(), seed=5, people=12, images="none"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "HanCo"))


def _read(root: Path, sequence: str) -> Instances:
    units = adapter.units(open_release(root, catalogue.card("hanco")))
    return adapter.read(next(unit for unit in units if unit.name == sequence), BODIES)


def test_joint_9_is_where_a_view_s_own_fit_has_it(root: Path) -> None:
    columns = _read(root, "0002").columns
    joints = posed_joints(columns, BODIES, root)[0][:, RIGHT_HAND_21[9]]
    here = np.flatnonzero(columns["frame"] == 3)
    calib = json.loads((root / "calib/0002/00000003.json").read_text())
    assert len(here) == 8
    for row, view in zip(here, range(8), strict=True):
        own = json.loads((root / f"shape/0002/cam{view}/00000003.json").read_text())
        (u, v), scale = own[58:60], own[60]
        lens = np.array(calib["K"][view])
        depth = 0.5 * (lens[0, 0] + lens[1, 1]) / scale
        place = np.linalg.inv(lens) @ [u, v, 1.0] * depth
        np.testing.assert_allclose(joints[row], place, atol=1e-5)
        turn = rotation_matrix(columns["right_hand_orient"][row])
        np.testing.assert_allclose(turn, rotation_matrix(own[:3]), atol=1e-6)


def test_fingers_are_the_owners_angles_and_the_mean_hand_once(root: Path) -> None:
    columns = _read(root, "0002").columns
    shape = json.loads((root / "shape/0002/00000003.json").read_text())
    row = np.flatnonzero(columns["frame"] == 3)[0]
    mean = BODIES.model("mano", "right").right_hand_mean
    np.testing.assert_allclose(
        columns["right_hand_pose"][row], np.ravel(shape["poses"])[3:] + mean, atol=1e-9
    )
    assert not any(name.startswith("left_hand_pose") for name in columns)


def test_points_of_the_world_go_to_the_camera_frame_by_the_calibration(root: Path) -> None:
    columns = _read(root, "0000").columns
    xyz = np.array(json.loads((root / "xyz/0000/00000001.json").read_text()))
    chain = json.loads((root / "calib/0000/00000001.json").read_text())["M"]
    rows = np.flatnonzero(columns["frame"] == 1)
    stored = columns["keypoints3d"][rows].reshape(8, 144, 4)[:, RIGHT_HAND_21]
    for view in range(8):
        moved = (np.array(chain[view]) @ [*xyz[20], 1.0])[:3]  # the tip of the little finger
        np.testing.assert_allclose(stored[view, 20, :3], moved, atol=1e-9)


def test_lists_are_looked_up_by_numbers_though_a_sequence_is_not_there(root: Path) -> None:
    found = [_read(root, name) for name in ("0000", "0002")]
    assert [set(f.columns["subject"]) for f in found] == [{"12"}, {"7"}]
    assert [set(f.images["split"]) for f in found] == [{"training"}, {"evaluation"}]
    (root / "calib/0002/00000000.json").unlink()  # places in a listing move, numbers do not
    columns = _read(root, "0002").columns
    frames = set(columns["frame"][~columns["owner_valid"]])
    assert frames == {sample.INVALID}


def test_a_frame_without_a_fit_has_points_alone_and_one_without_points_nobody(root: Path) -> None:
    found = _read(root, "0002")
    here = found.columns["frame"] == sample.UNFITTED
    assert here.sum() == 8
    assert not present(found.columns["right_hand_transl"])[here].any()
    assert present(found.columns["keypoints3d"])[here].all()
    assert not found.columns["right_hand_valid"][here].any()
    assert sample.BARE not in found.columns["frame"]
    assert sample.BARE in found.images["frame"]


def test_masks_are_named_as_the_first_of_a_sequence(root: Path) -> None:
    assert "mask_path" not in _read(root, "0002").images
    first = root / "mask_hand/0002/cam0/00000000.png"
    first.parent.mkdir(parents=True)
    first.touch()
    images = _read(root, "0002").images
    assert images["mask_path"][9] == "mask_hand/0002/cam1/00000001.png"
    assert images["image_path"][9] == "rgb/0002/cam1/00000001.jpg"
    assert "mask_scale" not in images
    first.rename(first.with_suffix(".jpg"))  # grey at the edges: 255 is one, less than half nobody
    assert _read(root, "0002").images["mask_scale"].tolist() == [1 / 255] * len(images["frame"])


def test_a_frame_that_meta_does_not_know_and_a_fit_that_is_not_there_are_named(root: Path) -> None:
    (root / "shape/0002/00000003.json").unlink()
    with pytest.raises(MissingFiles, match=r"shape/0002/00000003\.json"):
        _read(root, "0002")
    meta = json.loads((root / "meta.json").read_text())
    meta["has_fit"][2].pop()
    (root / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(InputError, match=r"meta\.json.*sequence 0002"):
        _read(root, "0002")
