"""The traps of 3DPW: what its sequence files say, and what others have read into them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.pw3d import adapter, sample
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import dump_python2, load
from ehpsbench.schema import Instances, present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
FIRST, SECOND = "courtyard_walk_00", "downtown_walk_01"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pw3d")
    sample.write(Order(root, BODIES, WorldSettings(), seed=4, people=6, images="flat", scale=0.1))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "3DPW"))


def _read(root: Path, name: str = FIRST) -> Instances:
    release = open_release(root, catalogue.card("pw3d"))
    unit = next(u for u in adapter.units(release) if u.name.endswith(name))
    return adapter.read(unit, BODIES)


def _change(root: Path, name: str, **changes: Any) -> dict[str, Any]:
    """Rewrite a sequence file with some keys changed; returns what it held."""
    path = next(root.glob(f"sequenceFiles/**/{name}.pkl"))
    held: dict[str, Any] = load(path, encoding="latin1")
    dump_python2({**held, **changes}, path)
    return held


def test_a_zip_that_nests_sequence_files_reads_the_same_even_from_the_folder_above(
    root: Path,
) -> None:
    flat = _read(root)
    folder = root / "sequenceFiles"
    folder.rename(root / "moved")
    folder.mkdir()
    (root / "moved").rename(folder / "sequenceFiles")
    np.testing.assert_array_equal(_read(root.parent).columns["transl"], flat.columns["transl"])


def test_a_validation_folder_renamed_to_val_is_still_the_split_validation(root: Path) -> None:
    folder = root / "sequenceFiles/validation"
    folder.rename(folder.with_name("val"))
    assert set(_read(root, SECOND).columns["split"]) == {"validation"}


def test_files_that_a_mac_leaves_behind_are_no_sequences(root: Path) -> None:
    (root / "sequenceFiles/train/._courtyard_walk_00.pkl").write_bytes(b"\0")
    release = open_release(root, catalogue.card("pw3d"))
    assert not [u for u in adapter.units(release) if "._" in u.name]


def test_of_300_betas_ten_are_read(root: Path) -> None:
    held = _change(root, SECOND)
    columns = _read(root, SECOND).columns
    assert held["betas"][0].shape == (300,)
    np.testing.assert_array_equal(columns["betas"][0, :10], held["betas"][0][:10])
    assert not columns["betas"][:, 10:].any()
    assert set(columns["num_betas"]) == {10}


def test_the_pelvis_is_that_of_the_actors_own_gender_and_shape(root: Path) -> None:
    turn = np.diag([1.0, -1.0, -1.0, 1.0])  # half a turn about x moves the pelvis by twice its y
    held = _change(root, FIRST)
    rows = len(held["cam_poses"])
    _change(
        root,
        FIRST,
        cam_poses=np.tile(turn, (rows, 1, 1)),
        trans=[np.zeros((rows, 3))] * 2,
        genders=["m", "f"],
    )
    columns = _read(root).columns
    for actor, gender in (("0", "male"), ("1", "female")):
        own = np.flatnonzero(columns["person"] == actor)
        _, y, z = BODIES.model("smpl", gender).rest_joints(columns["betas"][own[:1]])[0, 0]
        expected = np.tile([0.0, -2 * y, -2 * z], (len(own), 1))
        np.testing.assert_allclose(columns["transl"][own], expected, atol=1e-12)
        assert set(columns["body_hash"][own]) == {BODIES.model("smpl", gender).hash}


def test_22_and_23_of_smpl_are_its_hand_joints_and_the_hands_stay_null(root: Path) -> None:
    held = _change(root, FIRST)
    columns = _read(root).columns
    count = (columns["person"] == "0").sum()
    pose = held["poses"][0][:count]
    np.testing.assert_array_equal(columns["body_pose"][:count], pose[:, 3:66])
    np.testing.assert_array_equal(columns["smpl_hand_pose"][:count], pose[:, 66:])
    assert not {"left_hand_pose", "jaw_pose", "expression"} & set(columns)
    for part in ("left_hand", "right_hand", "face", "shape"):
        assert not columns[f"{part}_valid"].any()


def test_who_is_not_aligned_is_not_valid_and_who_is_not_detected_has_no_keypoints(
    root: Path,
) -> None:
    columns = _read(root).columns
    row = {
        (f, p): i for i, (f, p) in enumerate(zip(columns["frame"], columns["person"], strict=True))
    }
    unaligned, undetected, good = row[0, "0"], row[1, "1"], row[0, "1"]
    assert columns["owner_valid"][[unaligned, undetected, good]].tolist() == [False, True, True]
    assert not columns["camera_valid"][unaligned]
    assert columns["camera_valid"][undetected]
    assert not present(columns["keypoints2d"])[undetected]
    assert not present(columns["keypoints3d"])[unaligned]


def test_frame_1_is_without_valid_people_but_still_an_image(root: Path) -> None:
    held = _change(root, SECOND)
    _change(root, SECOND, campose_valid=[np.zeros_like(held["campose_valid"][0])])
    instances = _read(root, SECOND)
    assert len(instances.images["image_id"]) >= 2
    assert not instances.columns["owner_valid"].any()


def test_openpose_18_goes_by_names_and_its_neck_to_the_extra_ones(root: Path) -> None:
    points = np.zeros((3, 18))
    points[:, 1], points[:, 2], points[:, 5] = (10, 11, 0.5), (20, 21, 0.6), (30, 31, 0.7)
    held = _change(root, FIRST)
    rows = len(held["cam_poses"])
    _change(root, FIRST, poses2d=[np.tile(points, (rows, 1, 1))] * 2)
    columns = _read(root).columns
    flat = np.ma.getdata(columns["keypoints2d"])[0].reshape(144, 3)
    extra = np.ma.getdata(columns["keypoints2d_extra"])[0].reshape(46, 3)
    assert flat[INDEX["right_shoulder"]].tolist() == [20, 21, 0.6]
    assert flat[INDEX["left_shoulder"]].tolist() == [30, 31, 0.7]
    assert extra[INDEX["neck_openpose"] - 144].tolist() == [10, 11, 0.5]
    assert np.count_nonzero(flat[:, 2]) + np.count_nonzero(extra[:, 2]) == 3


def test_the_owners_joints_are_those_of_the_body_in_the_camera_frame(root: Path) -> None:
    columns = dict(_read(root).columns)
    posed, _ = posed_joints(columns, BODIES)
    owners = np.ma.getdata(columns["keypoints3d"]).reshape(-1, 144, 4)
    seen = present(columns["keypoints3d"])
    np.testing.assert_allclose(owners[seen, :22, :3], posed[seen, :22], atol=1e-5)
    extra = np.ma.getdata(columns["keypoints3d_extra"]).reshape(-1, 46, 4)[seen]
    assert (extra[:, [INDEX["left_hand"] - 144, INDEX["right_hand"] - 144], 3] == 1).all()


def test_labels_beyond_the_images_are_skipped_and_images_beyond_the_labels_kept(root: Path) -> None:
    first, second = _read(root), _read(root, SECOND)
    rows = len(_change(root, FIRST)["cam_poses"])
    assert len(first.images["frame"]) == rows - 1  # the last row has no image
    assert first.columns["frame"].max() == rows - 2
    last = second.images["frame"].max()
    assert last not in second.columns["frame"]
    assert not present(second.images["world_rotation"])[-1]


@pytest.mark.parametrize("pictures", [True, False])
def test_portrait_videos_are_upright_with_images_and_without(root: Path, pictures: bool) -> None:
    if not pictures:
        shutil.rmtree(root / "imageFiles")
    for name, size in ((FIRST, (192, 108)), (SECOND, (108, 192))):
        images = _read(root, name).images
        assert set(zip(images["width"], images["height"], strict=True)) == {size}


def test_a_picture_of_another_size_in_a_sequence_keeps_its_own(root: Path) -> None:
    from PIL import Image

    Image.new("RGB", (64, 48)).save(root / f"imageFiles/{FIRST}/image_00001.jpg")
    images = _read(root).images
    assert (images["width"][1], images["height"][1]) == (64, 48)
    assert images["width"][0] == 192


def test_a_file_without_a_key_is_named_with_what_it_should_have(root: Path) -> None:
    path = root / f"sequenceFiles/train/{FIRST}.pkl"
    dump_python2({"poses": []}, path)
    with pytest.raises(InputError, match=r"courtyard_walk_00\.pkl.*cam_poses"):
        _read(root)
