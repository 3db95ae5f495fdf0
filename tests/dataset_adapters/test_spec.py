"""SPEC: bodies put where their joints are seen, turned by the camera's pitch and roll."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.spec import adapter, sample
from ehpsbench.dataset_adapters.spec.placing import place
from ehpsbench.errors import InputError
from ehpsbench.geometry import rotation_matrix
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.schema import Instances, present
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
# OpenPose's place → SMPL's: neck, right and left arm, pelvis, right and left leg
SAME = {1: 12, 2: 17, 3: 19, 4: 21, 5: 16, 6: 18, 7: 20, 8: 0, 9: 2, 10: 5, 11: 8, 12: 1, 13: 4}
SAME |= {14: 7}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("spec")
    order = Order(root, BODIES, WorldSettings(), seed=3, people=12, images="flat", scale=0.25)
    sample.write(order)
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "dataset_folders"))


def _read(root: Path, split: str) -> Instances:
    units = adapter.units(open_release(root, catalogue.card("spec")))
    return adapter.read(next(unit for unit in units if unit.name == split), BODIES)


def _labels(root: Path, file: str) -> dict[str, np.ndarray]:
    found = load_npz(root / file)
    return {name: np.asarray(found[name]) for name in found}


def test_a_body_is_put_where_it_stands_and_noise_moves_it_little() -> None:
    rng = np.random.default_rng(0)
    joints, transl = rng.normal(0, 0.5, (40, 14, 3)), rng.uniform([-1, -1, 3], [1, 1, 9], (40, 3))
    lens = np.tile([[1500.0, 0, 960], [0, 1480.0, 540], [0, 0, 1]], (40, 1, 1))
    seen = (joints + transl[:, None]) @ lens.transpose(0, 2, 1)
    pixels = np.concatenate([seen[..., :2] / seen[..., 2:], np.ones((40, 14, 1))], -1)
    pixels[:, 5:7] = 0  # of which nothing is known
    exact = place(joints, pixels, lens)
    np.testing.assert_allclose(exact.transl, transl, atol=1e-9)
    assert exact.seen.tolist() == [12] * 40
    pixels[..., :2] += rng.normal(0, 1.0, (40, 14, 2))
    moved = np.abs(place(joints, pixels, lens).transl - transl)
    assert moved[:, :2].max() < 0.01
    assert moved[:, 2].max() < 0.1


@pytest.mark.parametrize(
    ("split", "file", "key"),
    [
        ("train", "spec-syn/annotations/train.npz", "pose_0yaw_inverseyz"),
        ("mtp", "spec-mtp/annotations/test.npz", "pose"),
    ],
)
def test_joints_meet_their_projections_and_the_root_is_turned_by_the_camera(
    root: Path, split: str, file: str, key: str
) -> None:
    columns, labels = _read(root, split).columns, _labels(root, file)
    spoilt = (np.abs(labels["shape"]).max(1) > 20) | (np.abs(labels[key]).max(1) > 2 * np.pi)
    good = np.flatnonzero(columns["body_valid"] & ~spoilt)
    joints = posed_joints(columns, BODIES)[0]
    assert len(good) >= 4
    for row in good:
        turn = labels["cam_rotmat"][row] @ rotation_matrix(labels[key][row, :3])
        stored = np.ma.getdata(columns["global_orient"])[row]
        np.testing.assert_allclose(rotation_matrix(stored), turn, atol=1e-6)
        for place_25, joint in SAME.items():
            x, y, score = labels["openpose_gt"][row, place_25]
            pixel = labels["cam_int"][row] @ joints[row, joint]
            if score:
                np.testing.assert_allclose(pixel[:2] / pixel[2], [x, y], atol=1e-2)


def test_the_place_of_the_camera_is_not_that_of_a_person(root: Path) -> None:
    columns = _read(root, "mtp").columns
    labels = _labels(root, "spec-mtp/annotations/test.npz")
    assert columns["person"].tolist() == ["0", "1"] * (len(columns["person"]) // 2)
    assert (labels["cam_trans"][0] == labels["cam_trans"][1]).all()
    transl = np.ma.getdata(columns["transl"])
    assert np.linalg.norm(transl[0] - transl[1]) > 0.1
    assert np.linalg.norm(transl[0] - labels["cam_trans"][0]) > 0.1


def test_who_has_no_fit_or_is_hardly_seen_has_keypoints_only(root: Path) -> None:
    columns = _read(root, "test").columns
    first = columns["frame"] == 0
    assert first.sum() == 2
    assert not present(columns["transl"])[first].any()
    assert not columns["body_valid"][first].any()
    assert present(columns["transl"])[~first].all()
    assert present(columns["keypoints2d"]).all()


def test_a_camera_that_does_not_agree_with_the_projections_is_not_believed(root: Path) -> None:
    path = "spec-mtp/annotations/test.npz"
    labels = _labels(root, path)
    labels["cam_rotmat"][0] = labels["cam_rotmat"][0] @ np.diag([1.0, -1.0, -1.0])
    save_npz(root / path, **labels)
    columns = _read(root, "mtp").columns
    assert columns["body_valid"].tolist() == [False, *[True] * (len(labels["shape"]) - 1)]
    assert not columns["camera_valid"][0]


def test_sizes_are_those_of_the_images_where_the_centre_is_not_the_middle(root: Path) -> None:
    path = "spec-mtp/annotations/test.npz"
    sizes = _read(root, "mtp").images
    labels = _labels(root, path)
    labels["cam_int"][:, 0, 2] += 7
    save_npz(root / path, **labels)
    again = _read(root, "mtp").images
    np.testing.assert_array_equal(again["width"], sizes["width"])
    np.testing.assert_allclose(again["principal_point"][:, 0], sizes["width"] / 2 + 7)


def test_a_file_that_lacks_something_is_named(root: Path) -> None:
    path = "spec-mtp/annotations/test.npz"
    labels = _labels(root, path)
    save_npz(root / path, **{k: v for k, v in labels.items() if k != "cam_int"})
    with pytest.raises(InputError, match=r"test\.npz.*cam_int"):
        _read(root, "mtp")
    save_npz(root / path, **{k: v for k, v in labels.items() if k != "pose"})
    with pytest.raises(InputError, match=r"test\.npz has neither pose_0yaw"):
        _read(root, "mtp")
    save_npz(root / path, **(labels | {"openpose_gt": labels["openpose_gt"][:, :24]}))
    with pytest.raises(InputError, match=r"test\.npz is not a file of SPEC.*\(N, 25, 3\)"):
        _read(root, "mtp")
