"""AGORA: cameras from names, gendered scans and children, on a miniature release."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters.agora import adapter, sample
from ehpsbench.dataset_adapters.agora.cameras import cameras, from_unreal, scan_to_world
from ehpsbench.dataset_adapters.agora.pictures import pictures_below
from ehpsbench.dataset_adapters.catalogue import card
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.restricted_pickle import dump_frame_pandas1, dump_plain, load
from ehpsbench.schema import Instances, present
from ehpsbench.staging import read_unit
from ehpsbench.world.settings import WorldSettings


@pytest.fixture(scope="module")
def agora(tmp_path_factory: pytest.TempPathFactory, bodies: BodySet) -> Path:
    root = tmp_path_factory.mktemp("agora") / "release"
    sample.write(Order(root, bodies, WorldSettings(), seed=5, people=16, images="flat"))
    return root


@pytest.fixture
def copy(agora: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(agora, tmp_path / "copy"))


@pytest.fixture
def read(bodies: BodySet) -> Callable[..., Instances]:
    def unit_of(root: Path, name: str = "train_0") -> Instances:
        units = {u.name: u for u in adapter.units(open_release(root, card("agora")))}
        return adapter.read(units[name], bodies)

    return unit_of


Read = Callable[..., Instances]


def rewrite(path: Path, **changes: Callable[[Any], Any]) -> dict[str, Any]:
    """Columns of a dataframe, changed person by person and written back."""
    frame = load(path)
    columns = dict(frame.columns)
    for name, change in changes.items():
        columns[name] = [[change(value) for value in row] for row in columns[name]]
    dump_frame_pandas1(columns, path)
    return columns


def view(name: str, place: tuple[float, float, float] = (0, 0, 0), yaw: float = 0) -> Any:
    rotation, position, focal = cameras([name], [place], [yaw])
    return rotation[0], position[0], focal[0] / 36 * 1280


@pytest.mark.parametrize(
    ("name", "focal", "position"),
    [
        ("ag_trainset_renderpeople_body_hdri_50mm_5_10_00013", 1777.78, [0, -1.7, 0]),
        ("ag_trainset_3dpeople_bfh_archviz_5_10_cam00_00001", 640, [-2.75, -2.65, 4]),
        ("ag_trainset_3dpeople_bfh_archviz_5_10_cam01_00001", 640, [2.25, -2.65, 4]),
        ("ag_trainset_3dpeople_bfh_archviz_5_10_cam02_00001", 640, [1.7, -2.65, -4.9]),
        ("ag_trainset_3dpeople_bfh_archviz_5_10_cam03_00001", 640, [-2.75, -2.65, -4.9]),
        ("ag2_trainset_axyz_bfh_grass_5_15_00001", 995.56, [0, -1.7, 0]),
        ("ag_trainset_axyz_bfh_construction_5_10_00001", 995.56, [2, -0.3 - 1.7, 1]),
    ],
)
def test_the_name_tells_the_lens_and_the_place(
    name: str, focal: float, position: list[float]
) -> None:
    _, found, length = view(name, (100, 200, 30), 77)
    np.testing.assert_allclose(found, position)
    assert length == pytest.approx(focal, abs=0.01)


def test_hdri_is_looked_for_before_the_rooms_cameras() -> None:
    rotation, _, focal = view("ag_trainset_x_hdri_50mm_5_10_cam00_00001", yaw=50)
    np.testing.assert_array_equal(rotation, np.eye(3))
    assert focal == pytest.approx(1777.78, abs=0.01)


def test_what_a_free_camera_sees_3_m_ahead_and_1_m_to_its_right() -> None:
    rotation, position, _ = view("ag_trainset_x_bfh_flowers_5_10_00001", (100, 50, 0), 90)
    # yaw 90 looks along Unreal's +Y; its right is −X, and the eye is 1.7 m above the ground
    ahead = from_unreal([100 - 100, 50 + 300, 0])
    np.testing.assert_allclose(rotation @ (ahead - position), [1, 1.7, 3], atol=1e-12)


def test_the_rooms_cameras_look_down_by_30_degrees() -> None:
    rotation, position, _ = view("ag_x_cam00_00001")
    along = rotation.T @ [0, 0, 1]
    assert np.degrees(np.arcsin(along[1])) == pytest.approx(30)
    centre = from_unreal([0, 0, 0]) - position
    assert along @ centre > 0


def test_a_scan_of_yaw_90_faces_unreals_minus_x() -> None:
    rotation, translation = scan_to_world([[300, 100, 20]], [90])
    np.testing.assert_allclose(translation, [[1, -0.2, 3]])
    np.testing.assert_allclose(rotation[0] @ [0, 0, 1], [0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(rotation[0] @ [0, 1, 0], [0, -1, 0], atol=1e-12)


def test_a_folder_called_hdri_says_nothing(copy: Path, read: Read) -> None:
    before = read(copy).columns
    (copy / "train_0").rename(copy / "hdri_50mm")
    path = copy / "SMPLX" / "train_0_withjv.pkl"
    columns = dict(load(path).columns)
    columns["imgPath"] = [f"hdri_50mm/{name}" for name in columns["imgPath"]]
    dump_frame_pandas1(columns, path)
    after = read(copy).columns
    np.testing.assert_array_equal(before["focal"], after["focal"])
    assert all((copy / p).is_file() for p in after["image_path"])


def test_girls_have_the_neutral_model_and_boys_the_male_one(agora: Path, read: Read) -> None:
    columns = read(agora).columns
    kid = columns["kid"] > 0
    pairs = set(zip(columns["subject_gender"][kid], columns["gender"][kid], strict=True))
    assert pairs == {("male", "male"), ("female", "neutral")}
    np.testing.assert_array_equal(columns["gender"][~kid], columns["subject_gender"][~kid])


def test_the_eleventh_beta_counts_for_children_only(agora: Path, read: Read) -> None:
    columns = read(agora).columns
    fits = [load(agora / "smplx_gt" / f"{s}.pkl") for s in columns["subject"]]
    eleven = np.array([fit["betas"].shape == (1, 11) for fit in fits])
    assert (eleven & (columns["kid"] == 0)).any()
    assert not columns["betas"][:, 10:].any()
    assert set(columns["num_betas"]) == {10}
    for fit, kid in zip(fits, columns["kid"], strict=True):
        assert kid == 0 or kid == fit["betas"][0, 10]


def test_the_dataframes_gender_overrules_the_fits(agora: Path, read: Read) -> None:
    columns = read(agora).columns
    said = [load(agora / "smplx_gt" / f"{s}.pkl")["gender"] for s in columns["subject"]]
    assert (np.array(said) != columns["subject_gender"]).any()


def test_a_child_whose_fit_has_ten_betas_is_refused(copy: Path, bodies: BodySet) -> None:
    units = {u.name: u for u in adapter.units(open_release(copy, card("agora")))}
    columns = adapter.read(units["train_0"], bodies).columns
    row = int(np.flatnonzero(columns["kid"] > 0)[0])
    path = copy / "smplx_gt" / f"{columns['subject'][row]}.pkl"
    fit = load(path)
    dump_plain(fit | {"betas": fit["betas"][:, :10]}, path)
    _, _, rejects = read_unit(units["train_0"], bodies)
    found = dict(zip(rejects["instance_id"].to_pylist(), rejects["rule"].to_pylist(), strict=True))
    assert found[columns["instance_id"][row]] == "finite"


def test_hands_get_the_models_mean_added(agora: Path, read: Read, bodies: BodySet) -> None:
    columns = read(agora).columns
    fit = load(agora / "smplx_gt" / f"{columns['subject'][0]}.pkl")
    mean = bodies.model("smplx", columns["gender"][0]).left_hand_mean
    np.testing.assert_allclose(columns["left_hand_pose"][0] - fit["left_hand_pose"][0], mean)


def test_the_owners_joints_are_the_posed_ones_and_the_contour_is_unscored(
    agora: Path, read: Read, bodies: BodySet
) -> None:
    columns = read(agora).columns
    owners = columns["keypoints3d"].reshape(-1, 144, 4)
    good = np.isfinite(columns["body_pose"]).all(1) & (columns["betas"][:, 0] < 50)
    joints, _ = posed_joints({n: v[good] for n, v in columns.items()}, bodies)
    far = np.linalg.norm(joints - owners[good, :55, :3], axis=-1).max(1)
    assert np.sort(far)[:-3].max() < 1e-4  # three rows are broken on purpose
    assert owners[:, :127, 3].all()
    assert not owners[:, 127:].any()


def test_joints_of_another_body_are_noticed(copy: Path, read: Read) -> None:
    rewrite(copy / "SMPLX" / "train_0_withjv.pkl", gt_joints_3d=lambda joints: joints + 0.03)
    with pytest.raises(InputError, match="gt_joints_3d"):
        read(copy)


def test_smpls_dataframe_and_the_one_without_joints_are_passed_over(
    agora: Path, read: Read
) -> None:
    units = adapter.units(open_release(agora, card("agora")))
    files = {u.name: u.files[0].parent.name for u in units if u.files}
    assert files == {"train_0": "SMPLX", "train_1": "Cam", "validation_0": "SMPLX"}


def test_the_dataframe_without_joints_gives_the_same_people(copy: Path, read: Read) -> None:
    whole = read(copy).columns
    shutil.rmtree(copy / "SMPLX")
    shutil.rmtree(copy / "SMPL")
    less = read(copy).columns
    assert set(whole) - set(less) == {"keypoints2d", "keypoints3d"}
    assert whole["instance_id"].tolist() == less["instance_id"].tolist()
    np.testing.assert_array_equal(whole["transl"], less["transl"])
    np.testing.assert_array_equal(whole["bbox"], less["bbox"])


def test_smpls_45_joints_are_not_taken_for_smplx(copy: Path, read: Read) -> None:
    shutil.rmtree(copy / "SMPLX")
    assert "keypoints2d" not in read(copy).columns


def test_the_folder_of_the_dataframes_may_be_called_anything(copy: Path, read: Read) -> None:
    before = read(copy, "validation_0").columns
    shutil.rmtree(copy / "Cam")
    (copy / "validation_SMPLX").rename(copy / "camera_dataframe")
    after = read(copy, "validation_0").columns
    assert before["instance_id"].tolist() == after["instance_id"].tolist()


def test_4k_pictures_or_none_give_4k_pixels_and_the_same_ids(copy: Path, read: Read) -> None:
    small = read(copy).columns
    for path in copy.glob("*/*_1280x720.png"):
        path.rename(path.with_name(path.name.replace("_1280x720", "")))
    full = read(copy).columns
    for path in copy.glob("*/*.png"):
        path.unlink()
    none = read(copy).columns
    for columns, height in ((small, 720), (full, 2160), (none, 2160)):
        assert set(columns["height"]) == {height}
        assert columns["instance_id"].tolist() == small["instance_id"].tolist()
    for name in ("focal", "principal_point", "keypoints2d"):
        ratio = 3 * small[name].reshape(len(small["focal"]), -1, small[name].shape[1] // 144 or 2)
        big = full[name].reshape(ratio.shape)
        np.testing.assert_allclose(big[..., :2], ratio[..., :2])
    assert full["image_path"][0].startswith("train_0/")
    assert none["image_path"].tolist() == full["image_path"].tolist()


def test_of_two_sizes_on_disk_the_full_one_is_taken(copy: Path, read: Read) -> None:
    path = next((copy / "train_0").glob("*.png"))
    shutil.copy(path, path.with_name(path.name.replace("_1280x720", "")))
    images = read(copy).images
    assert sorted(images["height"])[-2:] == [720, 2160]


def test_test_pictures_and_pictures_of_nobody_are_images(agora: Path, read: Read) -> None:
    test = read(agora, "test")
    assert len(test) == 0
    assert set(test.images["split"]) == {"test"}
    assert all((agora / path).is_file() for path in test.images["image_path"])
    train = read(agora)
    assert set(train.images["image_id"]) - set(train.columns["image_id"])


def test_the_cameras_of_a_room_share_a_cluster(agora: Path, read: Read) -> None:
    images = read(agora).images
    room = {
        (camera, cluster)
        for camera, cluster in zip(images["camera"], images["cluster"], strict=True)
        if camera in ("cam00", "cam01")
    }
    assert len({camera for camera, _ in room}) == 2
    assert len({cluster for _, cluster in room}) == 1


def test_the_mask_of_everybody_is_found_in_the_pictures_size(copy: Path, read: Read) -> None:
    folder = copy / "train" / "ag_trainset_3dpeople_bfh_archviz"
    folder.mkdir(parents=True)
    base = "ag_trainset_3dpeople_bfh_archviz_5_10_mask_cam00_000001"
    for ending in ("00000_1280x720", "00001_1280x720", "00000"):
        (folder / f"{base}_{ending}.png").touch()
    images = read(copy).images
    assert images["mask_path"][present(images["mask_path"])].tolist() == [
        f"train/ag_trainset_3dpeople_bfh_archviz/{base}_00000_1280x720.png"
    ]
    assert not any("mask" in name for name in pictures_below(copy).small)


def test_an_occlusion_outside_0_to_100_percent_is_unknown(copy: Path, read: Read) -> None:
    shares = iter([-1.0, 50.0, 130.0])
    rewrite(copy / "SMPLX" / "train_0_withjv.pkl", occlusion=lambda _: next(shares, 20.0))
    occlusion = read(copy).columns["occlusion"]
    assert present(occlusion)[:4].tolist() == [False, True, False, True]
    np.testing.assert_allclose(occlusion[[1, 3]], [0.5, 0.2])


def test_a_missing_fit_is_named_and_so_is_a_broken_one(copy: Path, read: Read) -> None:
    path = copy / "smplx_gt" / f"{read(copy).columns['subject'][0]}.pkl"
    dump_plain({"betas": np.zeros((1, 10))}, path)
    with pytest.raises(InputError, match=f"{path.name} is not an SMPL-X fit"):
        read(copy)
    path.unlink()
    with pytest.raises(MissingFiles, match=path.name):
        read(copy)


def test_a_release_without_dataframes_or_fits_is_refused(copy: Path) -> None:
    for pattern in ("**/train_*.pkl", "**/validation_*.pkl"):
        for path in copy.glob(pattern):
            path.unlink()
    with pytest.raises(MissingFiles, match="dataframes"):
        open_release(copy, card("agora"))
    shutil.rmtree(copy / "smplx_gt")
    with pytest.raises(MissingFiles, match="smplx_gt"):
        open_release(copy, card("agora"))


def test_the_release_is_found_one_folder_up_when_it_is_the_only_one(copy: Path) -> None:
    assert open_release(copy.parent, card("agora")).root == copy.resolve()


def test_rendered_samples_have_masks_that_the_reader_finds(
    tmp_path: Path, bodies: BodySet, read: Read
) -> None:
    from PIL import Image

    sample.write(Order(tmp_path, bodies, WorldSettings(), seed=2, people=1, images="rendered"))
    images = read(tmp_path).images
    masks = images["mask_path"][present(images["mask_path"])]
    assert len(masks) >= 3
    with Image.open(tmp_path / str(masks[0])) as mask:
        assert mask.size == (1280, 720)
        assert np.asarray(mask).any()


def test_every_unit_of_labels_depends_on_the_fits(agora: Path) -> None:
    units = {u.name: u for u in adapter.units(open_release(agora, card("agora")))}
    fits = set(agora.glob("smplx_gt/**/*.pkl"))
    assert fits
    labelled = [unit for name, unit in units.items() if name != "test"]
    assert all(fits < set(unit.files) for unit in labelled)
