"""MPII: each source of fits, everybody of an image, cameras and keypoints by their formulas."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.mpii import adapter, sample
from ehpsbench.dataset_adapters.readers.cliff import cliff_columns, read_cliff
from ehpsbench.dataset_adapters.readers.matlab_sample import save_mat
from ehpsbench.dataset_adapters.release import Release, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.schema import present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.skeleton.sources import MPII_16
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


TENTH = 1e-4  # m


def _blank(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (64, 80)).save(path)


@pytest.fixture
def release(tmp_path: Path) -> Release:
    order = Order(tmp_path / "MPII" / "data", BODIES, WorldSettings(), 4, 8, "none")
    sample.write(order)
    return open_release(tmp_path / "MPII", catalogue.card("mpii"))


@pytest.mark.parametrize(
    ("source", "labels", "model"),
    [
        ("neuralannot smpl", "neuralannot", "smpl"),
        ("eft", "eft", "smpl"),
        ("cliff", "cliff", "smpl"),
    ],
)
def test_people_of_every_source_are_those_of_the_world(
    recovered: Callable[..., tuple[dict[str, np.ndarray], float]],
    source: str,
    labels: str,
    model: str,
) -> None:
    columns, worst = recovered("mpii", source=source)
    assert worst < TENTH
    assert {*columns["labels"]} - {None} == {labels}
    assert {*columns["source_model"]} - {None} == {model}
    assert not columns["camera_valid"].any()
    assert not columns["shape_valid"].any()


def test_people_of_the_owners_file_have_joints_and_no_bodies(
    recovered: Callable[..., tuple[dict[str, np.ndarray], float]],
) -> None:
    columns, _ = recovered("mpii", source="owners")
    assert {*columns["split"]} == {"train"}
    assert {*columns["person"]} == {"2", "3"}  # the first has no joints
    assert not columns["body_valid"].any()
    assert "transl" not in columns


def test_the_owners_pixels_are_counted_from_0_and_hidden_joints_count(tmp_path: Path) -> None:
    points = [
        {"x": 11.0, "y": 21.0, "id": 0.0, "is_visible": 1.0},
        {"x": 41.0, "y": 61.0, "id": 15.0, "is_visible": 0.0},
        {"x": np.zeros((0, 0)), "y": 9.0, "id": 3.0, "is_visible": 0.0},  # no point
    ]
    people = [{"annopoints": np.zeros((0, 0))}, {"annopoints": {"point": points}}]
    stills = [
        {"image": {"name": "000000007.jpg"}, "annorect": people},
        {"image": {"name": "000000009.jpg"}, "annorect": np.zeros((0, 0))},
    ]
    release = {"annolist": stills, "img_train": np.array([[1, 0]])}
    save_mat(tmp_path / "u12/mpii_human_pose_v1_u12_1.mat", {"RELEASE": release})
    for number in (7, 9):
        _blank(tmp_path / f"images/{number:09d}.jpg")
    (unit,) = adapter.units(open_release(tmp_path, catalogue.card("mpii")))
    found = adapter.read(unit, BODIES)
    assert found.images["split"].tolist() == ["train", "test"]
    assert found.columns["instance_id"].tolist() == ["mpii/train/train/0/7/2"]
    joints = found.columns["keypoints2d"].reshape(144, 3)
    assert joints[INDEX["right_ankle"]].tolist() == [10.0, 20.0, 1.0]
    assert joints[INDEX["left_wrist"]].tolist() == [40.0, 60.0, 1.0]
    assert joints[:, 2].sum() == 2
    assert found.columns["bbox"].tolist() == [[10.0, 20.0, 30.0, 40.0]]


def test_an_owners_file_with_a_seventeenth_joint_is_named(tmp_path: Path) -> None:
    point = [{"x": 1.0, "y": 1.0, "id": 16.0}]
    still = {"image": {"name": "1.jpg"}, "annorect": [{"annopoints": {"point": point}}]}
    path = tmp_path / "u12/mpii_human_pose_v1_u12_1.mat"
    save_mat(path, {"RELEASE": {"annolist": [still], "img_train": np.ones((1, 1))}})
    (unit,) = adapter.units(open_release(tmp_path, catalogue.card("mpii")))
    with pytest.raises(InputError, match=r"u12_1\.mat.*joints 16 to 16 of 16"):
        adapter.read(unit, BODIES)


def test_every_person_of_an_image_is_kept_and_who_has_no_fit_has_keypoints(
    release: Release,
) -> None:
    train = next(iter(adapter.units(release)))
    labels = json.loads(train.files[0].read_text())
    fits = json.loads(train.files[1].read_text())
    columns = adapter.read(train, BODIES).columns
    assert columns["person"].tolist() == [str(a["id"]) for a in labels["annotations"]]
    fitted = [str(a["id"]) in fits for a in labels["annotations"]]
    assert fitted.count(False) == 1
    assert present(columns["transl"]).tolist() == fitted
    assert columns["body_valid"].tolist() == fitted
    _, count = np.unique(columns["image_id"], return_counts=True)
    assert (count == 2).all()


def test_a_fit_and_its_camera_are_stored_as_they_are_and_hands_rest_at_the_mean(
    release: Release,
) -> None:
    train = next(iter(adapter.units(release)))
    fits = json.loads(train.files[1].read_text())
    columns = adapter.read(train, BODIES).columns
    row = columns["person"].tolist().index("2")
    fit, camera = fits["2"]["smplx_param"], fits["2"]["cam_param"]
    assert "lhand_pose" not in fit
    assert columns["transl"][row].tolist() == fit["trans"]
    assert columns["focal"][row].tolist() == camera["focal"]
    assert columns["principal_point"][row].tolist() == camera["princpt"]
    mean = BODIES.model("smplx", "neutral").hand_mean("left")
    assert np.allclose(columns["left_hand_pose"][row], mean)
    assert not columns["left_hand_valid"].any()


def test_boxes_are_tight_around_the_keypoints_not_the_padded_ones_of_the_file(
    release: Release,
) -> None:
    train = next(iter(adapter.units(release)))
    labels = json.loads(train.files[0].read_text())["annotations"]
    columns = adapter.read(train, BODIES).columns
    for row, person in enumerate(labels):
        points = np.reshape(person["keypoints"], (16, 3))
        low, high = (f(points[points[:, 2] > 0, :2], 0) for f in (np.min, np.max))
        assert np.allclose(columns["bbox"][row], [*low, *(high - low)])
        assert np.allclose(person["bbox"][2:], 1.2 * (high - low - 1))  # as train.json is made


def test_the_sixteen_joints_are_in_the_owners_order() -> None:
    names = [next(n for n, i in INDEX.items() if i == place) for place in MPII_16]
    assert names[:3] == ["right_ankle", "right_knee", "right_hip_extra"]
    assert names[6:10] == ["pelvis_extra", "thorax_extra", "neck_extra", "headtop"]
    assert names[10:13] == ["right_wrist", "right_elbow", "right_shoulder"]


def test_images_of_the_test_split_have_nobody(release: Release) -> None:
    test = list(adapter.units(release))[1]
    found = adapter.read(test, BODIES)
    assert test.name == "test"
    assert len(found.images["image_id"]) >= 1
    assert not len(found.columns["instance_id"])


@pytest.mark.parametrize("kind", ["U", "S"])
def test_a_row_of_cliff_without_a_fit_has_no_body(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cliffGT_v1/mpii_cliffGT.npz"
    arrays = {
        "imgname": np.asarray(["images/015601864.jpg"] * 2).astype(kind),
        "pose": np.zeros((2, 72)),
        "shape": np.zeros((2, 10)),
        "global_t": [[0, 0, 5.0], [0, 0, 0]],
        "focal_l": [1000.0, 1000.0],  # √(800² + 600²)
        "part": np.ones((2, 24, 3)),
        "has_smpl": [1, 0],
    }
    save_npz(path, **arrays)
    fits = read_cliff(path)
    assert fits.image.tolist() == ["images/015601864.jpg"] * 2
    columns = cliff_columns(fits, np.array([[800, 600]] * 2), BODIES)
    assert columns["body_valid"].tolist() == [True, False]
    assert present(columns["transl"]).tolist() == [True, False]
    assert columns["focal"].tolist() == [[1000.0, 1000.0]] * 2
    assert columns["principal_point"].tolist() == [[400.0, 300.0]] * 2
    save_npz(path, **(arrays | {"pose": np.zeros((2, 69))}))
    with pytest.raises(InputError, match=r"mpii_cliffGT\.npz is not a file of CLIFF"):
        read_cliff(path)


def test_keypoints_of_another_count_are_refused_by_the_file_name(release: Release) -> None:
    path = release.root / "annotations/train.json"
    labels = json.loads(path.read_text())
    labels["annotations"][0]["keypoints"] = [0.0] * 51
    path.write_text(json.dumps(labels))
    with pytest.raises(InputError, match=r"train\.json.*16 keypoints"):
        adapter.read(next(iter(adapter.units(release))), BODIES)
