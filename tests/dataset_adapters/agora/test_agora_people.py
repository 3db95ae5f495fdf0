"""AGORA's people on a miniature release: cameras from names, gendered scans, children, joints."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters.agora import adapter
from ehpsbench.dataset_adapters.agora.cameras import cameras, from_unreal, scan_to_world
from ehpsbench.dataset_adapters.catalogue import card
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import dump_frame_pandas1, dump_plain, load
from ehpsbench.schema import Instances, present
from ehpsbench.staging import read_unit

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


def test_smpls_45_joints_are_not_taken_for_smplx(copy: Path, read: Read) -> None:
    shutil.rmtree(copy / "SMPLX")
    assert "keypoints2d" not in read(copy).columns


def test_the_cameras_of_a_room_share_a_cluster(agora: Path, read: Read) -> None:
    images = read(agora).images
    room = {
        (camera, cluster)
        for camera, cluster in zip(images["camera"], images["cluster"], strict=True)
        if camera in ("cam00", "cam01")
    }
    assert len({camera for camera, _ in room}) == 2
    assert len({cluster for _, cluster in room}) == 1


def test_an_occlusion_outside_0_to_100_percent_is_unknown(copy: Path, read: Read) -> None:
    shares = iter([-1.0, 50.0, 130.0])
    rewrite(copy / "SMPLX" / "train_0_withjv.pkl", occlusion=lambda _: next(shares, 20.0))
    occlusion = read(copy).columns["occlusion"]
    assert present(occlusion)[:4].tolist() == [False, True, False, True]
    np.testing.assert_allclose(occlusion[[1, 3]], [0.5, 0.2])
