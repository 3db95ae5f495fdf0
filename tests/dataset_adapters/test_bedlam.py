"""BEDLAM: what its label files mean, on files written by hand and on a miniature release."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters.bedlam import adapter
from ehpsbench.dataset_adapters.catalogue import card
from ehpsbench.dataset_adapters.parameters import ORDERS
from ehpsbench.dataset_adapters.release import Release, open_release
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.schema import Instances, present
from ehpsbench.staging import read_unit

SCENE = "20221013_3_250_batch01hand_static_bigOffice"


@pytest.fixture
def copy(bedlam_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bedlam_release, tmp_path / "copy"))


def labels(root: Path, stem: str = f"{SCENE}_6fps", **changes: Any) -> Release:
    """A release of one file with two people in one picture."""
    intrinsics = np.array([[1000.0, 0, 640], [0, 1000, 360], [0, 0, 1]])
    arrays = {
        "imgname": np.array(["seq_000001/seq_000001_0125.png"] * 2),
        "center": np.array([[100.0, 200], [300, 250]]),
        "scale": np.array([1.2, 0.6]),
        "pose_cam": np.tile(np.arange(165) / 1000, (2, 1)),
        "shape": np.ones((2, 11)),
        "trans_cam": np.array([[0.1, 0.2, 0.3], [1, 2, 3]]),
        "cam_ext": np.tile([[-1.0, 0, 0, 4], [0, -1, 0, 4], [0, 0, 1, 4], [0, 0, 0, 1]], (2, 1, 1)),
        "cam_int": np.tile(intrinsics, (2, 1, 1)),
        "gtkps": np.ones((2, 127, 3)),
        "gender": np.array(["m", "f"]),
        "sub": np.array(["rp_a", "rp_b"]),
    } | changes
    path = root / "bedlam_labels" / "all_npz_12_training" / f"{stem}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{n: a for n, a in arrays.items() if a is not None})
    return open_release(root, card("bedlam"))


def read(release: Release) -> Instances:
    (unit,) = adapter.units(release)
    return adapter.read(unit, None)


def every_unit(root: Path) -> dict[str, Instances]:
    units = adapter.units(open_release(root, card("bedlam")))
    return {unit.name: adapter.read(unit, None) for unit in units}


def test_the_translation_has_two_parts_and_the_rotation_of_cam_ext_is_not_used(
    tmp_path: Path,
) -> None:
    columns = read(labels(tmp_path)).columns
    np.testing.assert_allclose(columns["transl"], [[4.1, 4.2, 4.3], [5, 6, 7]])
    np.testing.assert_allclose(columns["global_orient"][0], [0, 0.001, 0.002])


def test_the_165_values_are_root_body_jaw_eyes_hands(tmp_path: Path) -> None:
    columns = read(labels(tmp_path)).columns
    first = {name: round(1000 * columns[name][0, 0]) for name in ORDERS["smplx"]}
    assert list(first.values()) == [0, 3, 66, 69, 72, 75, 120]
    assert sum(columns[name].shape[1] for name in ORDERS["smplx"]) == 165


def test_the_eleventh_beta_is_shape_and_no_kid_weight(tmp_path: Path) -> None:
    columns = read(labels(tmp_path)).columns
    assert columns["betas"].shape == (2, 16)
    assert columns["betas"].sum(1).tolist() == [11, 11]
    assert columns["num_betas"].tolist() == [11, 11]
    assert "kid" not in columns


@pytest.mark.parametrize("said", [np.array(["m", "female"], object), np.array([b"m", b"f"])])
def test_the_model_is_neutral_and_the_gender_is_the_subjects(
    tmp_path: Path, said: np.ndarray
) -> None:
    columns = read(labels(tmp_path, gender=said)).columns
    assert columns["gender"].tolist() == ["neutral", "neutral"]
    assert columns["subject_gender"].tolist() == ["male", "female"]


def test_a_box_is_tight_around_the_55_joints_not_the_owners_square(tmp_path: Path) -> None:
    points = np.full((2, 127, 3), 50.0)
    points[0, :2, :2] = [[10, 20], [90, 220]]
    points[0, 60, :2] = 5000  # a toe does not count
    columns = read(labels(tmp_path, gtkps=points)).columns
    np.testing.assert_allclose(columns["bbox"], [[10, 20, 80, 200], [50, 50, 0, 0]])


def test_127_keypoints_leave_the_face_contour_unscored(tmp_path: Path) -> None:
    points = read(labels(tmp_path)).columns["keypoints2d"].reshape(2, 144, 3)
    assert points[:, :127, 2].all()
    assert not points[:, 127:].any()


def test_portrait_intrinsics_mean_a_stored_landscape_turned_clockwise(tmp_path: Path) -> None:
    upright = np.tile([[1000.0, 0, 360], [0, 1000, 640], [0, 0, 1]], (2, 1, 1))
    columns = read(labels(tmp_path, cam_int=upright)).columns
    assert (columns["width"][0], columns["height"][0], columns["orientation"][0]) == (720, 1280, 6)


def test_the_folder_name_closeup_does_not_turn_a_picture(tmp_path: Path) -> None:
    release = labels(tmp_path, "20221017_1_250_batch01hand_closeup_suburb_a_6fps")
    columns = read(release).columns
    assert (columns["width"][0], columns["height"][0], columns["orientation"][0]) == (1280, 720, 1)


def test_people_are_called_by_subject_and_twins_by_number(tmp_path: Path) -> None:
    named = read(labels(tmp_path)).columns["instance_id"].tolist()
    assert named == [f"bedlam/train/{SCENE}:seq_000001/0/125/rp_{x}" for x in "ab"]
    twins = read(labels(tmp_path, sub=np.array(["rp_a", "rp_a"]))).columns
    assert twins["person"].tolist() == ["0", "1"]
    unnamed = read(labels(tmp_path, sub=None)).columns
    assert unnamed["person"].tolist() == ["0", "1"]
    assert "subject" not in unnamed


def test_names_may_be_stored_as_objects(tmp_path: Path) -> None:
    names = np.array(["seq_000001/seq_000001_0125.png"] * 2, object)
    objects = read(labels(tmp_path / "a", imgname=names)).columns
    text = read(labels(tmp_path / "b")).columns
    assert objects["image_id"].tolist() == text["image_id"].tolist()
    assert text["timestamp"][0] == pytest.approx(125 / 30)


def test_the_owners_validation_scenes_are_the_validation_split(tmp_path: Path) -> None:
    release = labels(tmp_path, "20221018_3-8_250_batch01hand_6fps")
    assert set(read(release).columns["split"]) == {"validation"}


def test_a_cluster_is_one_sequence_with_all_its_people(tmp_path: Path) -> None:
    names = np.array(["seq_000001/seq_000001_0125.png", "seq_000002/seq_000002_0000.png"])
    clusters = read(labels(tmp_path, imgname=names)).columns["cluster"].tolist()
    assert clusters == [f"bedlam/{SCENE}:seq_00000{i}" for i in (1, 2)]


def test_a_file_of_ten_betas_is_read_too(tmp_path: Path) -> None:
    columns = read(labels(tmp_path, shape=np.ones((2, 10)))).columns
    assert columns["num_betas"].tolist() == [10, 10]


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    release = labels(tmp_path)
    (unit,) = adapter.units(release)
    unit.files[0].write_bytes(unit.files[0].read_bytes()[:-3000])
    with pytest.raises(InputError, match=unit.files[0].name):
        adapter.read(unit, None)


def test_a_file_without_an_array_says_which(tmp_path: Path) -> None:
    (unit,) = adapter.units(labels(tmp_path, cam_ext=None))
    with pytest.raises(InputError, match="cam_ext"):
        read_unit(unit, None)


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFiles, match="all_npz_12_training"):
        open_release(tmp_path, card("bedlam"))


def test_agora_beside_the_labels_is_not_read(bedlam_release: Path) -> None:
    folder = bedlam_release / "training_labels" / "all_npz_12_training"
    assert (folder / "agora-bfh.npz").is_file()
    assert not any("agora" in name for name in every_unit(bedlam_release))


def test_a_hyphen_or_an_underscore_after_the_date_is_the_same_scene(copy: Path) -> None:
    stem = "20221020-3-8_250_highbmihand_zoom_highSchoolGym_a_6fps"
    before = every_unit(copy)[stem].columns
    (copy / "training_images" / stem).rename(copy / "training_images" / stem.replace("-", "_", 1))
    after = every_unit(copy)[stem].columns
    assert before["instance_id"].tolist() == after["instance_id"].tolist()
    assert all((copy / path).is_file() for path in after["image_path"])


def test_a_label_without_a_picture_goes_unless_there_are_no_pictures_at_all(copy: Path) -> None:
    stem = f"{SCENE}_6fps"
    with_pictures = every_unit(copy)[stem].columns["frame"]
    assert 9995 not in with_pictures
    shutil.rmtree(copy / "training_images")
    assert 9995 in every_unit(copy)[stem].columns["frame"]


def test_a_picture_without_a_label_is_an_image_without_a_known_lens(bedlam_release: Path) -> None:
    images = every_unit(bedlam_release)[f"{SCENE}_6fps"].images
    row = images["frame"].tolist().index(9990)
    assert images["width"][row] == 1280
    assert not present(images["focal"])[row]
    assert present(images["focal"]).sum() == len(images["frame"]) - 1


def test_a_picture_between_the_labelled_frames_is_not_listed(copy: Path) -> None:
    folder = copy / "training_images" / f"{SCENE}_6fps" / "png" / "seq_000000"
    shutil.copy(folder / "seq_000000_0000.png", folder / "seq_000000_0001.png")
    assert 1 not in every_unit(copy)[f"{SCENE}_6fps"].images["frame"]


def test_no_body_model_is_needed_and_the_hash_is_of_the_neutral_one(tmp_path: Path) -> None:
    (unit,) = adapter.units(labels(tmp_path))
    bodies = open_bodies("small")
    assert "body_hash" not in adapter.read(unit, None).columns
    hashes = adapter.read(unit, bodies).columns["body_hash"]
    assert set(hashes) == {bodies.model("smplx", "neutral").hash}


def test_pictures_of_which_none_is_a_labels_are_an_error(copy: Path) -> None:
    folder = copy / "training_images" / f"{SCENE}_6fps" / "png"
    for sequence in folder.iterdir():
        sequence.rename(folder / f"again_{sequence.name}")
    message = r"none of its \d+ labels.*e\.g\. seq_0000.*found e\.g\. again_seq_000000/"
    with pytest.raises(InputError, match=message):
        every_unit(copy)


def test_a_scene_without_a_folder_of_pictures_beside_others_has_nobody(copy: Path) -> None:
    stem = f"{SCENE}_6fps"
    shutil.rmtree(copy / "training_images" / stem)
    (unit,) = (u for u in adapter.units(open_release(copy, card("bedlam"))) if u.name == stem)
    kept, images, rejects = read_unit(unit, open_bodies("small"))
    assert (kept.num_rows, images.num_rows, rejects.num_rows) == (0, 0, 0)
