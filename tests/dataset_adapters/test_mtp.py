"""MTP: pictures fitted at 500 px, PCA hands of each gender, the person who was fitted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.checks import project_rows
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.mtp import adapter, sample
from ehpsbench.dataset_adapters.readers.openpose_people import ANCHOR_JOINTS, ANCHORS
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.geometry import rotation_matrix
from ehpsbench.restricted_pickle import dump_plain, load
from ehpsbench.schema import Instances, present
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mtp")
    sample.write(Order(root, BODIES, WorldSettings(), seed=3, people=8, images="none"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "MTP"))


def _read(root: Path, split: str) -> Instances:
    units = adapter.units(open_release(root, catalogue.card("mtp")))
    return adapter.read(next(unit for unit in units if unit.name == split), BODIES)


def _fit(root: Path, columns: dict[str, np.ndarray], row: int) -> dict[str, np.ndarray]:
    return dict(load(root / columns["source_file"][row]))


@pytest.mark.parametrize("row", [0, 1])  # numbers alone; tensors of a GPU
def test_a_joint_seen_at_500_px_is_seen_in_the_picture_by_its_height(root: Path, row: int) -> None:
    columns = _read(root, "train").columns
    fit = _fit(root, columns, row)
    model = BODIES.model("smplx", columns["gender"][row])
    pelvis = model.rest_joints(np.asarray(fit["betas"], np.float64))[0, 0]
    turn, shift = fit["camera_rotation"][0], fit["camera_translation"][0]
    placed = turn @ (fit["transl"][0] + pelvis) + shift
    joints = posed_joints(columns, BODIES)[0]
    np.testing.assert_allclose(joints[row, 0], placed, atol=1e-5)
    orient = turn @ rotation_matrix(fit["global_orient"][0])
    np.testing.assert_allclose(rotation_matrix(columns["global_orient"][row]), orient, atol=1e-6)
    width, height = columns["width"][row], columns["height"][row]
    name = "focal_length_{}" if row else "camera_focal_length_{}"
    focal = [np.ravel(fit[name.format(axis)])[0] for axis in "xy"]
    at_500 = focal * placed[:2] / placed[2] + [int(width * 500 / height) / 2, 250]
    pixel = project_rows(columns, joints)[row, 0]
    np.testing.assert_allclose(pixel, at_500 * height / 500, atol=1e-3)
    assert columns["principal_point"][row, 0] != width / 2


def test_hands_are_components_of_the_gendered_model_and_its_mean_once(root: Path) -> None:
    columns = _read(root, "train").columns
    assert set(columns["gender"]) == {"female", "male"}
    for row, gender in enumerate(columns["gender"]):
        model, fit = BODIES.model("smplx", gender), _fit(root, columns, row)
        assert np.shape(fit["left_hand_pose"]) == (1, 12)
        angles = fit["left_hand_pose"][0] @ model.left_hand_components[:12] + model.left_hand_mean
        np.testing.assert_allclose(columns["left_hand_pose"][row], angles, atol=1e-6)


def test_keypoints_are_of_the_person_who_was_fitted_and_not_of_the_first(root: Path) -> None:
    columns = _read(root, "train").columns
    stored = columns["keypoints2d_extra"][0].reshape(46, 3)
    path = root / columns["image_path"][0].replace("images/", "keypoints/openpose/")
    people = json.loads(path.with_suffix(".json").read_text())["people"]
    own = np.reshape(people[1]["pose_keypoints_2d"], (25, 3))
    assert len(people) == 2
    seen = own[own[:, 2] > 0]
    assert all((np.abs(stored - point).max(1) < 1e-6).any() for point in seen)
    path.with_suffix(".json").write_text(json.dumps({"people": people[:1]}))
    assert not present(_read(root, "train").columns["keypoints2d"])[0]


def test_the_joints_that_tell_people_apart_are_the_same_in_both_orders() -> None:
    pairs = dict(zip(ANCHORS, ANCHOR_JOINTS, strict=True))
    expected = {1: 12, 2: 17, 3: 19, 4: 21, 5: 16, 6: 18, 7: 20, 8: 0}
    assert pairs == expected | {9: 2, 10: 5, 11: 8, 12: 1, 13: 4, 14: 7}


def test_a_picture_without_a_fit_has_nobody_and_one_without_keypoints_a_body(root: Path) -> None:
    found = _read(root, "val")
    columns = found.columns
    assert sample.UNFITTED in found.images["frame"]
    assert sample.UNFITTED not in columns["frame"]
    bare = columns["frame"] == sample.UNDETECTED
    assert not present(columns["keypoints2d"])[bare].any()
    assert columns["body_valid"].all()
    assert not columns["camera_valid"].any()


def test_a_face_is_valid_where_the_fit_moves_it(root: Path) -> None:
    columns = _read(root, "train").columns
    assert not columns["face_valid"].any()
    fit = _fit(root, columns, 0)
    fit["jaw_pose"] = np.array([[0.2, 0.0, 0.0]])
    dump_plain(fit, root / columns["source_file"][0])
    assert _read(root, "train").columns["face_valid"].tolist()[:2] == [True, False]


def test_a_gender_that_is_not_there_and_a_name_of_another_kind_are_refused(root: Path) -> None:
    meta = json.loads((root / "subject_meta.json").read_text())
    name = next(iter(meta))
    (root / "subject_meta.json").write_text(json.dumps({k: meta[k] for k in meta if k != name}))
    with pytest.raises(InputError, match=rf"subject_meta\.json.*SubjectGender.*{name}"):
        _read(root, "train")
    (root / "train_val_split.json").write_text(json.dumps({"train": ["picture"], "val": []}))
    with pytest.raises(InputError, match="<image>_<subset>_<pose>_<subject>, found 'picture'"):
        _read(root, "train")
