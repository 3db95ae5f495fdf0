"""The traps of EgoBody's Kinects: whose frame, whose fit, bent lenses, views that are not there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.egobody_kinect import adapter, sample
from ehpsbench.dataset_adapters.egobody_kinect.views import read_views
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.restricted_pickle import load
from ehpsbench.schema import Instances
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
EARLY, LATE = "recording_20210907_S01_S02_01", "recording_20220215_S03_S04_01"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kinect")
    sample.write(Order(root, BODIES, WorldSettings(), seed=5, people=12, images="none"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "EgoBody"))


def _read(root: Path, name: str) -> Instances:
    units = adapter.units(open_release(root, catalogue.card("egobody_kinect")))
    return adapter.read(next(u for u in units if u.name.endswith(name)), BODIES)


def test_a_view_s_chain_is_the_inverse_of_its_calibration_and_the_master_has_none(
    root: Path,
) -> None:
    place = root / f"calibrations/{EARLY}/cal_trans/kinect_11to12_color.json"
    to_master = np.array([[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1.0]])
    place.write_text(json.dumps({"trans": to_master.tolist()}))
    master, first, *_ = read_views(root, EARLY)
    np.testing.assert_array_equal(master.world_rotation, np.eye(3))
    np.testing.assert_array_equal(master.world_translation, np.zeros(3))
    # what the master sees at (1, 2, 3) is where the sub camera stands
    for point, seen in (((1, 2, 3), (0, 0, 0)), ((0, 2, 3), (0, 1, 0))):
        moved = first.world_rotation @ point + first.world_translation
        np.testing.assert_allclose(moved, seen, atol=1e-12)


def test_joints_of_the_master_are_those_of_the_fit_and_of_the_others_moved_rigidly(
    root: Path,
) -> None:
    columns = _read(root, LATE).columns
    joints = posed_joints(columns, BODIES, root)[0]
    here = (columns["frame"] == sample.FIRST) & (columns["person"] == "1")
    by_view = dict(zip(columns["camera"][here], joints[here], strict=True))
    path = next(root.glob(f"smplx_*/{LATE}/body_idx_1/results/frame_{sample.FIRST:05d}/000.pkl"))
    transl = load(path)["transl"][0]
    master = (columns["camera"] == "master") & here
    np.testing.assert_allclose(columns["transl"][master][0], transl, atol=1e-6)
    file = root / f"calibrations/{LATE}/kinect_13to12_color.json"
    to_master = np.array(json.loads(file.read_text())["trans"])
    moved = by_view["sub_2"] @ to_master[:3, :3].T + to_master[:3, 3]
    np.testing.assert_allclose(moved, by_view["master"], atol=1e-5)


def test_each_person_has_the_gender_subject_and_fits_of_their_role(root: Path) -> None:
    columns = _read(root, EARLY).columns
    roles = {"0": ("interactee", "S02"), "1": ("camera_wearer", "S01")}
    table = (root / "data_info_release.csv").read_text()
    for person, (role, subject) in roles.items():
        rows = columns["person"] == person
        assert set(columns["subject"][rows]) == {subject}
        assert all(f"smplx_{role}_" in str(file) for file in columns["source_file"][rows])
        assert f"{person} {columns['gender'][rows][0]}," in table.splitlines()[1]


def test_one_person_without_a_fit_leaves_the_other_and_frames_past_the_end_are_images(
    root: Path,
) -> None:
    found = _read(root, LATE)
    alone = found.columns["frame"] == sample.FIRST
    assert set(found.columns["person"][alone]) == {"1"}
    fitted = {p.parent.name for p in root.glob(f"smplx_*/{LATE}/*/results/*/000.pkl")}
    assert len(fitted) > len(set(found.columns["frame"]))


def test_recordings_of_2021_have_no_third_sub_kinect(root: Path) -> None:
    assert set(_read(root, EARLY).images["camera"]) == {"master", "sub_1", "sub_2"}
    assert set(_read(root, LATE).images["camera"]) == {"master", "sub_1", "sub_2", "sub_3"}


def test_coefficients_past_the_eighth_must_be_zero(root: Path) -> None:
    path = root / "kinect_cam_params/kinect_master/Color.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"k": [*sample.LENS, 0, 0]}))
    np.testing.assert_allclose(_read(root, EARLY).images["distortion"][0], sample.LENS)
    path.write_text(json.dumps(content | {"k": [*sample.LENS, 0, 0.1]}))
    with pytest.raises(InputError, match=r"Color\.json.*coefficients"):
        _read(root, EARLY)


def test_a_lens_that_is_not_there_is_named(root: Path) -> None:
    (root / "kinect_cam_params/kinect_sub_1/Color.json").unlink()
    with pytest.raises(MissingFiles, match="kinect_sub_1"):
        _read(root, EARLY)


def test_a_table_without_a_row_or_in_another_encoding_is_named(root: Path) -> None:
    path = root / "data_splits.csv"
    for content in (b"train,val,test\n", b"\xff\xfe\x00"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"data_splits\.csv"):
            _read(root, EARLY)
