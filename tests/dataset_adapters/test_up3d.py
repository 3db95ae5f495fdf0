"""UP-3D: the fit of a crop in the whole image, the body moved twice, lists, shapes of joints."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.checks import project_rows
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.up3d import adapter, sample
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.geometry import rotation_matrix
from ehpsbench.restricted_pickle import load
from ehpsbench.schema import Instances
from ehpsbench.skeleton.sources import LSP_14
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("up3d")
    sample.write(Order(root, BODIES, WorldSettings(), seed=3, people=6, images="none"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "up-3d"))


def _read(root: Path, split: str) -> Instances:
    units = adapter.units(open_release(root, catalogue.card("up3d")))
    return adapter.read(next(unit for unit in units if unit.name == split), BODIES)


def test_a_joint_of_the_fit_is_seen_in_the_crop_and_by_its_scale_in_the_image(root: Path) -> None:
    found = _read(root, "test").columns
    stem = f"{found['frame'][0]:05d}"
    fit = load(root / f"{stem}_body.pkl", encoding="latin1")
    row = {"global_orient": fit["pose"][:3], "body_pose": fit["pose"][3:66]}
    row |= {"smpl_hand_pose": fit["pose"][66:], "betas": np.pad(fit["betas"], (0, 6))}
    row |= {"transl": fit["trans"], "num_betas": np.array(10)}
    plain = {name: np.asarray(values)[None] for name, values in row.items()}
    plain["source_model"] = np.array(["smpl"], object)
    joints = posed_joints(plain, BODIES)[0][0, :22] @ rotation_matrix(fit["rt"]).T + fit["t"]
    words = (root / f"{stem}_fit_crop_info.txt").read_text().split()
    h, w, y0, y1, x0, x1 = map(int, words)
    in_crop = 5000 * joints[:, :2] / joints[:, 2:] + [w / 2, h / 2]
    scale = (w / (x1 - x0) + h / (y1 - y0)) / 2
    stored = posed_joints(found, BODIES)[0][:1, :22]
    one = {name: values[:1] for name, values in found.items()}
    np.testing.assert_allclose(project_rows(one, stored)[0], in_crop / scale + [x0, y0], atol=1e-3)
    np.testing.assert_allclose(stored[0], joints, atol=1e-5)


def test_both_shapes_of_joints_are_read_and_what_is_not_seen_is_absent(tmp_path: Path) -> None:
    points = np.arange(1.0, 29.0).reshape(2, 14)
    points[:, 3] = 0
    scores = np.ones(14)
    scores[[3, 5]] = 0
    three = np.vstack([points, scores])
    paths = [tmp_path / f"{number}.npy" for number in range(4)]
    for path, table in zip(paths, (points, points.T, three, three.T), strict=True):
        np.save(path, table)
    two, two_t, scored, scored_t = adapter._joints(paths)
    np.testing.assert_array_equal(two, two_t)
    np.testing.assert_array_equal(scored, scored_t)
    np.testing.assert_array_equal(two[:, :2], points.T)
    assert np.flatnonzero(two[:, 2] == 0).tolist() == [3]
    assert np.flatnonzero(scored[:, 2] == 0).tolist() == [3, 5]


def test_the_lists_are_read_by_their_lines_and_trainval_not_at_all(root: Path) -> None:
    lines = (root / "train.txt").read_text().splitlines()
    assert lines[0] == "/00001_image.png"
    assert lines[-1] == ""
    assert len((root / "trainval.txt").read_text().splitlines()) > len(lines) - 1
    units = list(adapter.units(open_release(root, catalogue.card("up3d"))))
    assert [unit.name for unit in units] == ["train", "val", "test"]
    numbers = [stem for unit in units for stem in unit.key["stems"]]
    assert len(set(numbers)) == len(numbers)


def test_the_depth_of_a_fit_is_not_metric_and_hands_and_shape_are_not_smplx_s(root: Path) -> None:
    columns = _read(root, "train").columns
    assert columns["body_valid"].all()
    for part in ("camera", "shape", "left_hand", "face"):
        assert not columns[f"{part}_valid"].any()
    assert len(columns["keypoints2d"][0]) == 144 * 3
    assert max(LSP_14) >= 144  # the hips of the image are not SMPL's


def test_files_that_are_odd_or_not_there_are_named(root: Path) -> None:
    np.save(root / "00001_joints.npy", np.zeros((3, 16)))
    with pytest.raises(InputError, match=r"00001_joints\.npy.*14 joints"):
        _read(root, "train")
    (root / "00001_body.pkl").unlink()
    with pytest.raises(MissingFiles, match=r"00001_body\.pkl"):
        _read(root, "train")
    (root / "val.txt").write_text("/00009.png\n")
    with pytest.raises(InputError, match=r"val\.txt is no list"):
        _read(root, "val")
