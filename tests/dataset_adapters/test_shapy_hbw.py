"""HBW: betas of a scan, repaired names, photos that the owners skip, OpenPose's container."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.readers.openpose import OPENPOSE_135, read_openpose
from ehpsbench.dataset_adapters.release import Release, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.shapy_hbw import adapter, sample
from ehpsbench.dataset_adapters.shapy_hbw.shapes import fitted, read_genders
from ehpsbench.errors import InputError
from ehpsbench.meshes import read_obj
from ehpsbench.schema import Instances, present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    root = tmp_path_factory.mktemp("HBW")
    sample.write(Order(root, BODIES, WorldSettings(), seed=8, people=9, images="flat"))
    return open_release(root, catalogue.card("shapy_hbw"))


@pytest.fixture(scope="module")
def read(release: Release) -> dict[str, Instances]:
    return {unit.name: adapter.read(unit, BODIES) for unit in adapter.units(release)}


def test_betas_and_gender_of_a_mesh_come_back_wherever_it_stands() -> None:
    male, betas = BODIES.model("smplx", "male"), np.linspace(-2, 2, 10)
    mesh = male.v_template + np.einsum("vcs,s->vc", male.shapedirs[:, :, :10], betas) + [3, -1, 2]
    shape = fitted(mesh, ("male", "neutral"), BODIES, Path("001.npy"))
    assert (shape.gender, shape.body_hash) == ("male", male.hash)
    assert shape.betas == pytest.approx(betas, abs=1e-6)
    assert shape.residual < 1e-7
    neutral = BODIES.model("smplx", "neutral")
    other = fitted(neutral.v_template, ("male", "neutral"), BODIES, Path("001.npy"))
    assert other.gender == "neutral"


def test_the_stored_shape_is_the_mesh_of_its_source_file(
    release: Release, read: dict[str, Instances]
) -> None:
    columns = read["val"].columns
    row = columns["subject"].tolist().index("001")
    mesh = read_obj(release.root / columns["source_file"][row]).vertices
    model = BODIES.model("smplx", columns["gender"][row])
    rest = model.v_template + model.shapedirs[:, :, :10] @ columns["betas"][row, :10]
    difference = mesh - rest
    assert np.abs(difference - difference.mean(0)).max() < 1e-5  # m
    assert columns["shape_valid"].all()
    assert not columns["body_valid"].any()


def test_the_hidden_test_has_keypoints_and_no_shape(read: dict[str, Instances]) -> None:
    columns = read["test"].columns
    assert not columns["shape_valid"].any()
    assert not present(columns["betas"]).any()
    assert present(columns["keypoints2d"]).all()
    assert set(columns["subject_gender"]) <= {"male", "female"}


def test_a_photo_with_an_odd_name_finds_its_keypoints(
    release: Release, read: dict[str, Instances]
) -> None:
    columns = read["val"].columns
    row = columns["sequence"].tolist().index("001_noLab_22/Pictures_in_the_Wild/IMG 7 (2)")
    (path,) = (release.root / "keypoints/val/001_noLab_22").rglob("IMG_7_2.json")
    body = np.reshape(json.loads(path.read_text())["people"][0]["pose_keypoints_2d"], (25, 3))
    extra, seen = (np.ma.getdata(columns[f"keypoints2d{e}"])[row] for e in ("_extra", ""))
    knee = extra.reshape(46, 3)[INDEX["right_knee_openpose"] - 144]
    assert knee == pytest.approx(body[10])
    seen = seen.reshape(144, 3)
    assert columns["bbox"][row, 0] <= seen[seen[:, 2] > 0, 0].min()


def test_photos_without_exactly_one_person_are_flagged(read: dict[str, Instances]) -> None:
    columns = read["val"].columns
    second = columns["subject"] == "004"
    assert columns["owner_valid"][second].tolist()[:2] == [False, False]
    assert (present(columns["bbox"]) == columns["owner_valid"]).all()
    assert columns["shape_valid"][second].all()


def test_openpose_s_order_is_body_left_hand_right_hand_face_without_pupils(tmp_path: Path) -> None:
    hand, face = [5.0, 6.0, 0.7] * 21, [1.0, 2.0, 0.5] * 68 + [9.0, 9.0, 1.0] * 2
    person = {"hand_right_keypoints_2d": hand, "face_keypoints_2d": face}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"people": [person]}))
    found = read_openpose(path)[0]
    assert (found[:46] == 0).all()
    assert set(map(tuple, found[46:67])) == {(5.0, 6.0, 0.7)}
    assert set(map(tuple, found[67:])) == {(1.0, 2.0, 0.5)}
    assert OPENPOSE_135[46] == INDEX["right_wrist"]
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": [0.0] * 54}]}))
    with pytest.raises(InputError, match=r"a\.json.*BODY_25"):
        read_openpose(path)


def test_genders_are_read_with_or_without_zeros_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / "genders.yaml"
    path.write_text("# who\n001: female\n'023': male\n7: \"neutral\"\n")
    assert read_genders(path) == {"1": "female", "23": "male", "7": "neutral"}
    path.write_text("001: [female]\n")
    with pytest.raises(InputError, match=r"genders\.yaml.*\[female\]"):
        read_genders(path)
