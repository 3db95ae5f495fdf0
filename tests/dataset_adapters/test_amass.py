"""AMASS: both layouts, the upright frame and the way back, hands that were not recorded."""

from __future__ import annotations

from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.amass.adapter import read, units
from ehpsbench.dataset_adapters.amass.motion import gender_of, moving, read_motion
from ehpsbench.dataset_adapters.amass.sample import RATES
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.images import UPRIGHT
from ehpsbench.dataset_adapters.release import Release, Unit, open_release
from ehpsbench.errors import InputError
from ehpsbench.geometry import body_to_camera, rotation_matrix
from ehpsbench.samples import write_sample
from ehpsbench.schema import Columns

BODIES = open_bodies("small")
SMPLH = "CMU/01/01_01"
SMPLX = "BMLrub/rub001/0000_treadmill_norm"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    root = tmp_path_factory.mktemp("amass") / "release"
    write_sample("amass", root, people=12, images="none", body="open-small")
    return open_release(root, catalogue.card("amass"))


def _columns(release: Release, name: str) -> Columns:
    unit = next(unit for unit in units(release) if unit.name == name)
    return read(unit, BODIES).columns


def _file(release: Release, name: str) -> dict[str, Any]:
    ending = "stageii" if name == SMPLX else "poses"
    return dict(np.load(release.root / f"{name}_{ending}.npz", allow_pickle=True))


def test_units_are_motions_by_the_present_names_of_their_archives(release: Release) -> None:
    found = {unit.name: unit for unit in units(release)}
    assert set(found) == {
        SMPLH,
        SMPLX,
        "ACCAD/Female1General_c3d/A1 - Stand",
        "HDM05/bd/HDM_bd_01-01_01_120",
        "SSM/20160330_03333/punch",
        "Transitions/mazen_c3d/airkick_jumpinplace",
    }
    assert found[SMPLH].needs == ("smplh/female", "smplh/male")
    assert found[SMPLX].needs == ("smplx/neutral",)


@pytest.mark.parametrize("name", [SMPLH, SMPLX])
def test_the_owners_numbers_come_back_by_the_turn_that_is_stored(
    release: Release, name: str
) -> None:
    columns, said = _columns(release, name), _file(release, name)
    good = np.isfinite(said["trans"]).all(1)
    model = BODIES.model(columns["source_model"][0], columns["gender"][0])
    pelvis = model.rest_joints(columns["betas"])[:, 0]
    turn = columns["world_rotation"].reshape(-1, 3, 3)
    assert (turn == UPRIGHT).all()
    assert not columns["world_translation"].any()
    upright = pelvis + columns["transl"]
    assert np.abs(upright - (pelvis + said["trans"]) @ UPRIGHT.T)[good].max() < 1e-4  # m
    orient, transl = body_to_camera(
        turn.swapaxes(1, 2), np.zeros(3), columns["global_orient"], columns["transl"], pelvis
    )
    assert np.abs(transl - said["trans"])[good].max() < 1e-4
    root = said["root_orient"] if name == SMPLX else said["poses"][:, :3]
    assert np.abs(rotation_matrix(orient) - rotation_matrix(root)).max() < 1e-6


def test_up_in_the_owners_world_is_up_in_the_upright_frame() -> None:
    assert (UPRIGHT @ [0, 0, 1] == [0, -1, 0]).all()
    assert np.linalg.det(UPRIGHT) == 1


def test_people_have_no_picture_and_know_when_and_who_they_are(release: Release) -> None:
    columns = _columns(release, SMPLH)
    assert not {"image_path", "height", "width", "focal", "bbox"} & set(columns)
    assert not columns["camera_valid"].any()
    assert columns["instance_id"][1] == "amass/train/CMU:01:01_01/world/1/01"
    assert set(columns["cluster"]) == {"amass/CMU:01:01_01"}
    assert set(columns["subject"]) == {"CMU/01"}
    assert columns["fps"][0] == pytest.approx(RATES[0])
    assert columns["timestamp"][1] == pytest.approx(1 / RATES[0])


def test_splits_are_the_owners_by_archive(release: Release) -> None:
    split = {unit.name: read(unit, BODIES).columns["split"][0] for unit in units(release)}
    kinds = {name.partition("/")[0]: of for name, of in split.items()}
    assert kinds == {
        **{"CMU": "train", "BMLrub": "train", "ACCAD": "train"},
        **{"HDM05": "val", "SSM": "test", "Transitions": "test"},
    }


def test_smplx_knows_shape_jaw_and_eyes_and_smplh_does_not(release: Release) -> None:
    one, other = _columns(release, SMPLX), _columns(release, SMPLH)
    assert (one["source_model"][0], one["gender"][0]) == ("smplx", "neutral")
    assert (other["source_model"][0], other["gender"][0]) == ("smplh", "female")
    assert one["shape_valid"].all()
    assert not other["shape_valid"].any()
    assert {"jaw_pose", "leye_pose", "reye_pose"} <= set(one)
    assert not {"jaw_pose", "leye_pose", "reye_pose"} & set(other)
    assert not one["face_valid"].any()
    assert other["num_betas"][0] == 16


def test_hands_are_valid_only_where_the_fingers_were_recorded(release: Release) -> None:
    resting = _columns(release, "ACCAD/Female1General_c3d/A1 - Stand")
    assert not resting["left_hand_valid"].any()
    assert resting["body_valid"].all()
    assert _columns(release, SMPLH)["right_hand_valid"].all()
    poses, mean = np.linspace(0, 1, 5)[:, None] * np.ones(45), np.full(45, 0.5)
    assert moving(poses, mean).tolist() == [True, True, False, True, True]
    assert not moving(np.full((5, 45), 0.3), None).any()
    still = np.zeros((5, 45))
    still[3, 0] = np.nan  # a lost frame is no movement
    assert not moving(still, mean).any()


@pytest.mark.parametrize(
    "said",
    ["male", b"male", np.array("male"), np.array(b"male", "S6"), np.array(b"male", object)],
)
def test_gender_is_read_as_text_bytes_or_object(said: object, tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", gender=said)
    assert gender_of(tmp_path / "a.npz") == "male"


def test_smplx_without_its_parts_is_split_from_the_long_pose(
    release: Release, tmp_path: Path
) -> None:
    content = _file(release, SMPLX)
    bare = {k: v for k, v in content.items() if not k.startswith(("pose_", "root_"))}
    save_npz(tmp_path / "a_stageii.npz", **bare)
    found = read_motion(tmp_path / "a_stageii.npz", "smplx")
    assert np.array_equal(found.fit["right_hand_pose"], content["pose_hand"][:, 45:])
    assert np.array_equal(found.fit["reye_pose"], content["pose_eye"][:, 3:])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"poses": np.zeros((3, 72))}, r"poses is \(3, 72\), not \(F, 156\)"),
        ({"trans": np.zeros((1, 3))}, "several lengths"),
        ({"trans": np.zeros((3, 4))}, r"trans is \(3, 4\), not \(F, 3\)"),
        ({"mocap_framerate": 0.0}, r"mocap_framerate is \[0"),
        ({"mocap_framerate": np.zeros(0)}, r"mocap_framerate is \[\]"),
        ({"mocap_framerate": None}, "neither mocap_framerate nor mocap_frame_rate"),
        ({"gender": "both"}, "gender 'both'"),
        ({"betas": None}, "betas"),
    ],
)
def test_a_file_that_is_no_motion_is_named(
    release: Release, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    content = {k: v for k, v in (_file(release, SMPLH) | change).items() if v is not None}
    save_npz(tmp_path / "b_poses.npz", **content)
    with pytest.raises(InputError, match=f"b_poses.npz.*{words}"):
        read_motion(tmp_path / "b_poses.npz", "smplh")


@pytest.fixture
def twice(release: Release, tmp_path: Path) -> Release:
    """A motion in both models, under the old and the new name of its archive."""
    place = tmp_path / "BioMotionLab_NTroje" / "rub001"
    place.mkdir(parents=True)
    copyfile(release.root / f"{SMPLH}_poses.npz", place / "0000_treadmill_norm_poses.npz")
    new = tmp_path / SMPLX
    new.parent.mkdir(parents=True)
    copyfile(release.root / f"{SMPLX}_stageii.npz", f"{new}_stageii.npz")
    return Release(tmp_path, release.card, "amass")


def test_of_a_motion_in_both_models_smplx_is_read(twice: Release) -> None:
    found: list[Unit] = list(units(twice))
    assert [(unit.name, unit.files[0].name) for unit in found] == [
        (SMPLX, "0000_treadmill_norm_stageii.npz")
    ]


def test_a_motion_under_the_old_and_the_new_name_of_its_archive_is_refused(twice: Release) -> None:
    old = twice.root / "BioMotionLab_NTroje" / "rub001" / "0000_treadmill_norm_poses.npz"
    copyfile(old, twice.root / f"{SMPLX}_poses.npz")
    with pytest.raises(InputError, match="under its old and its new name"):
        list(units(twice))
