"""Human3.6M as its owners ship it: cameras of metadata.xml, 32 joints, masks, MoSh, one subject."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.human36m import adapter, sample
from ehpsbench.dataset_adapters.human36m.masks import mask_boxes
from ehpsbench.dataset_adapters.human36m.metadata import read_metadata
from ehpsbench.dataset_adapters.human36m.mosh import mosh_columns
from ehpsbench.dataset_adapters.human36m.owners import JOINTS_OF_32
from ehpsbench.dataset_adapters.readers.cdf import cdf_variable
from ehpsbench.dataset_adapters.readers.cdf_sample import save_cdf
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.geometry import rotation_matrix
from ehpsbench.restricted_pickle import dump_plain
from ehpsbench.schema import Instances, present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.skeleton.sources import H36M_17
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
SOUTH = "S1/MyPoseFeatures/D3_Positions/Directions 1.cdf"


def metadata(path: Path, poses: np.ndarray, lenses: np.ndarray, names: str = "Waiting 1") -> Path:
    numbers = " ".join(map(str, [*poses.ravel(), *lenses.ravel()]))
    head = "".join(f"<td>S{n}</td>" for n in range(1, 12))
    row = f"<tr><td>14</td><td>2</td>{f'<td>{names}</td>' * 11}</tr>"
    table = f"<mapping><tr><td/><td/>{head}</tr>{row}</mapping>"
    path.write_text(f"<m>{table}<w0>[{numbers}]</w0></m>")
    return path


def release(root: Path, subject: str, action: str, joints: np.ndarray) -> Instances:
    """One action of joints in a world whose four cameras look along z from its origin."""
    lenses = np.tile([1100.0, 1100, 500, 500, 0, 0, 0, 0, 0], (4, 1))
    metadata(root / "metadata.xml", np.zeros((4, 11, 6)), lenses)
    path = root / f"{subject}/MyPoseFeatures/D3_Positions/{action}.cdf"
    save_cdf(path, "Pose", joints.reshape(1, len(joints), 96))
    (unit,) = adapter.units(open_release(root, catalogue.card("human36m")))
    return adapter.read(unit, BODIES)


def test_people_of_mosh_are_those_of_the_world_and_limbs_place_them(
    recovered: Callable[..., tuple[dict[str, np.ndarray], float]],
) -> None:
    columns, worst = recovered("human36m", source="owners")
    assert worst < 1e-4  # m
    assert {*columns["labels"]} == {"mosh"}
    assert {*columns["annotation"]} == {"mocap"}
    assert columns["body_valid"].all()
    assert not columns["camera_valid"].any()  # the translation is ours


def test_joints_are_where_the_pictures_of_every_subject_show_them(tmp_path: Path) -> None:
    truth = sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 16, "none"), "owners")
    for unit in adapter.units(open_release(tmp_path, catalogue.card("human36m"))):
        columns = adapter.read(unit, BODIES).columns
        for row, key in enumerate(columns["instance_id"]):
            if key in truth.keypoints:
                found = columns["keypoints2d"][row].reshape(144, 3)
                expected = truth.keypoints[key][:144]
                np.testing.assert_allclose(found, expected, atol=0.01)


def test_300_numbers_are_poses_by_camera_and_subject_then_lenses(tmp_path: Path) -> None:
    poses, lenses = np.zeros((4, 11, 6)), np.zeros((4, 9))
    poses[2, 8] = np.pi / 2, 0, np.pi / 2, 1000, 2000, 3000  # camera 3, S9
    lenses[2] = 1145, 1144, 512, 515, 0.1, 0.2, 0.3, 0.4, 0.5  # f, c, k, p
    found = read_metadata(metadata(tmp_path / "m.xml", poses, lenses))
    lens = found.lens(9, 2)
    # Rx(90°)·Rz(90°): x → y → z, y → −x, z → −y
    assert lens.rotation == pytest.approx(np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]]))
    assert lens.rotation @ [1, 2, 3] + lens.translation == pytest.approx(np.zeros(3))  # its place
    assert [*lens.focal, *lens.principal_point] == [1145, 1144, 512, 515]
    assert lens.distortion.tolist() == [0.1, 0.2, 0.4, 0.5, 0.3]  # OpenCV's order
    assert found.lens(8, 2).rotation == pytest.approx(np.eye(3))
    assert found.actions["S9", "Waiting 1"] == (14, 2)


def test_seventeen_of_32_joints_are_metres_in_the_camera(tmp_path: Path) -> None:
    joints = np.zeros((2, 32, 3))
    joints[..., 0], joints[..., 2] = np.arange(32) * 10, 4000
    found = release(tmp_path, "S5", "Waiting 1", joints)
    columns = found.columns
    solid = columns["keypoints3d"][0].reshape(144, 4)
    extra = columns["keypoints3d_extra"][0].reshape(46, 4)
    for name, row in (
        ("right_knee", 2),
        ("left_ankle", 8),
        ("left_elbow", 18),
        ("right_wrist", 27),
    ):
        assert solid[INDEX[name]] == pytest.approx([row / 100, 0, 4, 1], abs=1e-6)
    for name, row in (("pelvis_extra", 0), ("spine_extra", 12), ("neck_extra", 13)):
        assert extra[INDEX[name] - 144, 0] == pytest.approx(row / 100, abs=1e-6)
    knee = columns["keypoints2d"][0].reshape(144, 3)[INDEX["right_knee"]]
    assert knee == pytest.approx([500 + 1100 * 0.02 / 4, 500, 1], abs=1e-3)
    assert columns["instance_id"][0] == "human36m/train/S5:act_14_subact_02/1/0/S5"
    assert sorted(set(zip(found.images["width"], found.images["height"], strict=True))) == [
        (1000, 1000),
        (1000, 1002),
    ]
    assert not columns["body_valid"].any()
    assert "global_orient" not in columns


@pytest.mark.parametrize(
    ("subject", "action", "metres"),
    [
        ("S9", "Waiting 1", -0.2),
        ("S9", "Greeting", -0.2),
        ("S9", "SittingDown 1", -0.2),
        ("S9", "Greeting 1", 0.0),
        ("S11", "Waiting 1", 0.0),
    ],
)
def test_three_actions_of_s9_are_200_mm_too_far_along_x(
    tmp_path: Path, subject: str, action: str, metres: float
) -> None:
    joints = np.zeros((1, 32, 3))
    joints[..., 2] = 4000
    columns = release(tmp_path, subject, action, joints).columns
    knee = columns["keypoints3d"][0].reshape(144, 4)[INDEX["left_knee"]]
    assert knee[0] == pytest.approx(metres, abs=1e-6)
    assert set(columns["split"]) == {"test"}


def test_pictures_are_numbered_from_1_and_those_past_the_joints_do_not_count(
    tmp_path: Path,
) -> None:
    for camera, numbers in (("54138969", (1, 6, 9)), ("60457274", (6,))):
        video = f"S7_Waiting_1.{camera}"
        (tmp_path / f"S7/images/{video}").mkdir(parents=True)
        for number in numbers:
            (tmp_path / f"S7/images/{video}/{video}_{number:06d}.jpg").touch()
    images = release(tmp_path, "S7", "Waiting 1", np.full((8, 32, 3), 4000.0)).images
    shown = list(zip(images["camera"].tolist(), images["frame"].tolist(), strict=True))
    assert shown == [("1", 0), ("1", 5), ("4", 5)]
    assert images["image_path"][1].endswith("S7_Waiting_1.54138969_000006.jpg")


def test_a_box_is_the_extent_of_a_mask_that_matlab_stores_by_columns(tmp_path: Path) -> None:
    mask = np.zeros((10, 20), np.uint8)  # height, width
    mask[2:5, 7:15] = 1
    path = tmp_path / "S5/MySegmentsMat/ground_truth_bb/Waiting 1.55011271.mat"
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        pictures = [
            file.create_dataset(f"#refs#/{i}", data=m.T) for i, m in enumerate((mask, mask * 0))
        ]
        kind = h5py.special_dtype(ref=h5py.Reference)
        masks = file.create_dataset("Masks", (2, 1), kind)
        masks[:, 0] = [picture.ref for picture in pictures]
    assert mask_boxes(path, np.array([0, 1, 2])).tolist() == [[7, 2, 8, 3], [0] * 4, [0] * 4]
    joints = np.zeros((1, 32, 3))
    joints[..., 0], joints[..., 2] = np.linspace(-500, 500, 32), 4000
    columns = release(tmp_path, "S5", "Waiting 1", joints).columns
    by_view = dict(zip(columns["camera"], np.ma.getdata(columns["bbox"]).tolist(), strict=True))
    assert by_view["2"] == [7, 2, 8, 3]
    assert by_view["1"] != [7, 2, 8, 3]


def test_every_fifth_frame_has_a_pose_half_a_turn_about_x_before_it(tmp_path: Path) -> None:
    pose = np.zeros((2, 72))
    pose[1, :6] = 0.3, -0.2, 0.1, 0.5, 0, 0
    path = tmp_path / "Directions 1_cam2_aligned.pkl"
    dump_plain({"new_poses": pose, "betas": np.ones(10)}, path)
    view, frame = np.array([2, 2, 1, 2, 2]), np.array([5, 7, 5, 10, 0])
    joints = np.full((5, len(H36M_17), 3), 3.0)
    columns = mosh_columns({2: path}, view, frame, joints, BODIES)
    assert present(columns["transl"]).tolist() == [True, False, False, False, True]
    turned = rotation_matrix(pose[1, :3]) @ np.diag([1, -1, -1])
    assert rotation_matrix(columns["global_orient"][0]) == pytest.approx(turned)
    assert np.ma.getdata(columns["body_pose"])[0, :3] == pytest.approx([0.5, 0, 0])
    assert np.ma.getdata(columns["betas"])[0, :10].tolist() == [1] * 10


def test_parsed_files_come_first_and_ids_are_alike(tmp_path: Path) -> None:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 8, "none"))
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 8, "none"), "owners")
    names = [u.name for u in adapter.units(open_release(tmp_path, catalogue.card("human36m")))]
    assert names == ["S1", "S5", "S9"]


def test_a_broken_cdf_and_cameras_that_are_not_there_are_named(tmp_path: Path) -> None:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 8, "none"), "owners")
    opened = open_release(tmp_path, catalogue.card("human36m"))
    unit = next(iter(adapter.units(opened)))
    path = tmp_path / SOUTH
    assert cdf_variable(path, "Pose").shape[-1] == 3 * 32
    assert len(set(JOINTS_OF_32)) == 17
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"Directions 1\.cdf cannot be read"):
        adapter.read(unit, BODIES)
    (tmp_path / "Release-v1.2/metadata.xml").write_text("<m><w0>[1 2]</w0></m>")
    with pytest.raises(InputError, match=r"metadata\.xml is not Human3\.6M's.*2 numbers"):
        read_metadata(unit.files[1])
    (tmp_path / "Release-v1.2/metadata.xml").unlink()
    with pytest.raises(MissingFiles, match=r"no metadata\.xml"):
        list(adapter.units(opened))
