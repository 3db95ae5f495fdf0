"""The traps of Hi4D: two people in one file, betas twice, lenses that no longer bend."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.hi4d import adapter, sample
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.schema import Instances
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
PAIR = "pair12/hug12"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hi4d")
    sample.write(Order(root, BODIES, WorldSettings(), seed=5, people=48, images="none"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "Hi4D"))


def _read(root: Path) -> Instances:
    units = adapter.units(open_release(root, catalogue.card("hi4d")))
    return adapter.read(next(u for u in units if u.name == PAIR), BODIES)


def _edit(path: Path, **changes: object) -> None:
    with np.load(path) as held:
        content = {key: held[key] for key in held}
    save_npz(path, **(content | changes))


def test_joints_and_bodies_of_both_people_are_the_owners_joints_moved_by_the_camera(
    root: Path,
) -> None:
    columns = _read(root).columns
    posed = posed_joints(columns, BODIES, root)[0]
    with np.load(root / PAIR / "cameras/rgb_cameras.npz") as cameras:
        pose = cameras["extrinsics"][cameras["ids"].tolist().index(28)]
    for person in (0, 1):
        rows = (columns["camera"] == "28") & (columns["person"] == str(person))
        row = int(np.flatnonzero(rows)[0])
        path = root / columns["source_file"][row]
        joints = np.asarray(load_npz(path)["joints_3d"])[person]
        expected = joints @ pose[:, :3].T + pose[:, 3]
        np.testing.assert_allclose(posed[row, :22], expected[:22], atol=1e-4)
        kept = columns["keypoints3d"][row].reshape(144, 4)
        np.testing.assert_allclose(kept[:22, :3], expected[:22], atol=1e-4)
        extra = columns["keypoints3d_extra"][row].reshape(46, 4)
        np.testing.assert_allclose(extra[-2:, :3], expected[22:], atol=1e-4)  # SMPL's hands


def test_betas_are_those_of_the_frame_and_genders_those_of_the_rows(root: Path) -> None:
    before = _read(root).columns
    assert not (before["betas"][:, :10] == 0.5).all(1).any()
    _edit(root / PAIR / "meta.npz", genders=np.array(["female", "male"]))
    after = _read(root).columns
    expected = np.where(after["person"] == "0", "female", "male").tolist()
    assert after["gender"].tolist() == expected
    _edit(root / PAIR / "meta.npz", genders=np.array([b"female", b"male"]))
    assert _read(root).columns["gender"].tolist() == expected


def test_the_coefficients_of_undistorted_images_are_not_used_and_both_spellings_are_read(
    root: Path,
) -> None:
    before = _read(root)
    assert "distortion" not in before.images
    path = root / PAIR / "cameras/rgb_cameras.npz"
    with np.load(path) as held:
        content = {key: held[key] for key in held}
    content["intirnsics"] = content.pop("intrinsics")
    save_npz(path, **content)
    np.testing.assert_array_equal(_read(root).columns["focal"], before.columns["focal"])


def test_the_last_frame_counts_and_what_lies_after_it_does_not(root: Path) -> None:
    frames = sorted({*_read(root).images["frame"].tolist()})
    _edit(root / PAIR / "meta.npz", end=frames[-2])
    assert sorted({*_read(root).images["frame"].tolist()}) == frames[:-1]


def test_a_file_of_one_person_is_refused_by_its_name(root: Path) -> None:
    path = sorted((root / PAIR / "smpl").iterdir())[0]
    _edit(path, transl=np.zeros((1, 3)))
    with pytest.raises(InputError, match=rf"{path.name}.*transl"):
        _read(root)
    _edit(root / PAIR / "meta.npz", genders=np.array(["female"]))
    with pytest.raises(InputError, match=r"meta\.npz.*1 genders"):
        _read(root)
