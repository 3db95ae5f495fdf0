"""The traps of EgoBody's egocentric part: joins, frames of reference, and hands."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.egobody_egocentric import adapter, sample
from ehpsbench.dataset_adapters.egobody_egocentric.camera import Pv, camera_columns, read_pv
from ehpsbench.dataset_adapters.files import read_frames
from ehpsbench.dataset_adapters.parameters import absolute_hand
from ehpsbench.dataset_adapters.readers.egobody import FIT_SIZES_12
from ehpsbench.dataset_adapters.release import Unit, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.restricted_pickle import dump_plain, load
from ehpsbench.schema import Instances, present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
FIRST, OTHER = "recording_20210907_S01_S02_01", "recording_20210907_S03_S04_01"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("egobody")
    sample.write(Order(root, BODIES, WorldSettings(), seed=5, people=12, images="none"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "EgoBody"))


def _units(root: Path) -> list[Unit]:
    return list(adapter.units(open_release(root, catalogue.card("egobody_egocentric"))))


def _read(root: Path, name: str = FIRST) -> Instances:
    return adapter.read(next(u for u in _units(root) if u.name.endswith(name)), BODIES)


def _edit(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


def _same(one: Instances, two: Instances) -> None:
    for name in ("instance_id", "transl", "focal", "owner_valid", "keypoints2d_extra"):
        np.testing.assert_array_equal(one.columns[name], two.columns[name])


def test_a_point_goes_from_the_kinect_by_the_hololens_to_opencv_axes() -> None:
    holo_to_kinect = np.eye(4)
    holo_to_kinect[:3, 3] = 1, 2, 3
    pose = np.eye(4)  # PV → HoloLens world, OpenGL axes: it looks along −z
    pose[:3, 3] = 0, 0, 5
    pv = Pv(np.array([7]), np.ones((1, 2)), pose[None], np.zeros(2), 1920, 1080)
    camera = camera_columns(pv, np.array([7]), holo_to_kinect)
    point = camera["world_rotation"].reshape(3, 3) @ [1.5, 2.5, 4.0] + camera["world_translation"]
    # kinect → HoloLens (0.5, 0.5, 1) → OpenGL camera (0.5, 0.5, −4) → y and z turn over
    np.testing.assert_allclose(point[0], [0.5, -0.5, 4.0])


def test_a_singular_pose_is_nan_and_leaves_the_others_alone() -> None:
    poses = np.stack([np.eye(4), np.zeros((4, 4)), np.full((4, 4), np.nan)])
    pv = Pv(np.arange(3), np.ones((3, 2)), poses, np.zeros(2), 8, 8)
    rotation = camera_columns(pv, np.arange(3), np.eye(4))["world_rotation"]
    assert np.isfinite(rotation).all(1).tolist() == [True, False, False]


def test_the_singular_frame_of_a_recording_is_a_broken_row_and_an_image_without_camera(
    root: Path,
) -> None:
    instances = _read(root)
    broken = ~np.isfinite(instances.columns["world_rotation"]).all(1)
    assert broken.sum() == 2  # singular, and no line in pv.txt
    assert np.isnan(instances.columns["transl"][broken]).all()
    assert (~present(instances.images["world_rotation"])).sum() == 2
    assert (~present(instances.images["focal"])).sum() == 1


def test_timestamps_keep_all_18_digits(tmp_path: Path) -> None:
    numbers = ",".join(["1.0"] * 18)
    path = tmp_path / "a_pv.txt"
    path.write_text(
        f"960.5,540.5,1920,1080\n132754956345623415,{numbers}\n132754956345623416,{numbers},\n"
    )
    pv = read_pv(path)
    assert pv.ticks.tolist() == [132754956345623415, 132754956345623416]
    assert (pv.width, pv.height, pv.principal_point.tolist()) == (1920, 1080, [960.5, 540.5])


def test_each_frame_has_the_focal_length_of_its_own_time(root: Path) -> None:
    before = _read(root)
    assert len(np.unique(before.columns["focal"][:, 0])) > 3
    path = next(root.glob(f"egocentric_color/{FIRST}/*/*_pv.txt"))
    _edit(path, lambda text: "\n".join([text.split("\n")[0], *text.strip().split("\n")[:0:-1]]))
    _same(_read(root), before)


def test_detections_join_by_the_name_of_the_image_not_by_row(root: Path) -> None:
    before = _read(root)
    for name in ("keypoints", "valid_frame"):
        path = next(root.glob(f"egocentric_color/{FIRST}/*/{name}.npz"))
        with np.load(path) as held:
            reversed_rows = {key: values[::-1] for key, values in held.items()}
        np.savez(path, **reversed_rows)
    _same(_read(root), before)


def test_detections_go_to_the_openpose_names(root: Path) -> None:
    path = next(root.glob(f"egocentric_color/{FIRST}/*/keypoints.npz"))
    with np.load(path) as held:
        table = dict(held)
    table["keypoints"][:] = 0
    table["keypoints"][:, 0] = 3, 4, 0.5  # the nose
    np.savez(path, **table)
    columns = _read(root).columns
    row = np.flatnonzero(columns["owner_valid"])[0]
    extra = np.ma.getdata(columns["keypoints2d_extra"])[row].reshape(46, 3)
    assert extra[INDEX["nose_openpose"] - 144].tolist() == [3, 4, 0.5]
    assert np.count_nonzero(extra[:, 2]) == 1
    assert "keypoints2d" not in columns


def test_a_frame_that_is_not_valid_is_kept_without_detections(root: Path) -> None:
    columns = _read(root).columns
    invalid = ~columns["owner_valid"]
    assert invalid.sum() == 1
    assert not present(columns["keypoints2d_extra"])[invalid].any()
    assert columns["body_valid"].all()


def test_frames_outside_the_range_are_images_without_people(root: Path) -> None:
    instances = _read(root)
    outside = {instances.images["frame"].min(), instances.images["frame"].max()}
    fits = {int(p.parent.name[6:]) for p in _units(root)[0].files if p.name == "000.pkl"}
    assert outside <= fits  # although there are fits
    assert not outside & set(instances.columns["frame"].tolist())


def test_a_fit_whose_image_was_dropped_is_skipped_and_an_image_without_fit_kept(
    root: Path,
) -> None:
    instances = _read(root)
    images = set(instances.images["frame"].tolist())
    people = set(instances.columns["frame"].tolist())
    fits = {int(p.parent.name[6:]) for p in _units(root)[0].files if p.name == "000.pkl"}
    assert len(fits - images) == 1
    assert len(images - fits) == 1
    assert people < images & fits


def test_images_on_disk_say_which_frames_there_are(root: Path) -> None:
    before = _read(root)
    picture = root / before.columns["image_path"][0]
    picture.parent.mkdir()
    picture.write_bytes(b"")
    after = _read(root)
    assert after.images["image_path"].tolist() == [before.columns["image_path"][0]]
    assert after.columns["instance_id"].tolist() == [before.columns["instance_id"][0]]


def test_only_the_interactee_is_labelled_and_named_after_the_second_subject(root: Path) -> None:
    columns = _read(root).columns
    assert list(root.glob(f"smplx_camera_wearer_train/{FIRST}/body_idx_1/results/*/000.pkl"))
    assert set(columns["person"]) == {"0"}
    assert set(columns["subject"]) == {"S02"}


def test_gender_is_that_of_body_idx_fpv(root: Path) -> None:
    before = _read(root).columns
    assert set(before["gender"]) == {"female"}
    _edit(
        root / "data_info_release.csv", lambda t: t.replace(f"0 female,{FIRST}", f"0 male,{FIRST}")
    )
    after = _read(root).columns
    assert set(after["gender"]) == {"male"}
    good = np.isfinite(before["transl"]).all(1)
    assert np.abs(after["transl"] - before["transl"])[good].max(1).min() > 1e-4  # another pelvis


def test_calibrations_are_found_with_and_without_cal_trans(root: Path) -> None:
    before = _read(root)
    folder = root / "calibrations" / FIRST
    shutil.move(folder / "cal_trans/holo_to_kinect12.json", folder)
    _same(_read(root), before)
    (folder / "holo_to_kinect12.json").unlink()
    with pytest.raises(MissingFiles, match="holo_to_kinect12"):
        _read(root)


def test_splits_padded_with_nan_and_recordings_not_downloaded_are_no_units(root: Path) -> None:
    before = [unit.name for unit in _units(root)]
    lines = (root / "data_splits.csv").read_text().split()
    padded = [",".join(cell or "NaN" for cell in line.split(",")) for line in lines]
    (root / "data_splits.csv").write_text("\n".join(padded) + "\n")
    assert [unit.name for unit in _units(root)] == before
    shutil.rmtree(root / "egocentric_color" / OTHER)
    assert [u.name for u in _units(root)] == [n for n in before if not n.endswith(OTHER)]


def test_a_recording_without_split_is_an_error_that_names_it(root: Path) -> None:
    _edit(root / "data_splits.csv", lambda text: text.replace(OTHER, ""))
    with pytest.raises(InputError, match=f"data_splits.csv gives no split to {OTHER}"):
        _units(root)


def test_hands_are_coefficients_of_components_plus_the_mean(root: Path) -> None:
    path = next(root.glob(f"smplx_interactee_train/{FIRST}/body_idx_0/results/*/000.pkl"))
    model = BODIES.model("smplx", "female")
    coefficients = np.zeros((1, 12))
    coefficients[0, 3] = 2.0
    dump_plain(load(path) | {"left_hand_pose": coefficients}, path)
    found = absolute_hand(
        read_frames([path], FIT_SIZES_12)["left_hand_pose"], model, "left", "relative"
    )
    assert model.left_hand_components is not None
    expected = model.hand_mean("left") + 2 * model.left_hand_components[3]
    np.testing.assert_allclose(found[0], expected)


def test_left_overs_of_the_fitting_change_nothing(root: Path) -> None:
    before = _read(root)
    for path in root.glob(f"smplx_interactee_train/{FIRST}/body_idx_0/results/*/000.pkl"):
        fit = load(path)
        assert {"pose_embedding", "camera_rotation", "camera_translation"} <= set(fit)
        dump_plain({key: fit[key] for key in FIT_SIZES_12}, path)
    _same(_read(root), before)


def test_a_broken_fit_is_named(root: Path) -> None:
    path = next(root.glob(f"smplx_interactee_train/{FIRST}/body_idx_0/results/*/000.pkl"))
    fit = load(path)
    del fit["transl"]
    dump_plain(fit, path)
    with pytest.raises(InputError, match=rf"{path.parent.name}/000\.pkl.*transl"):
        _read(root)
