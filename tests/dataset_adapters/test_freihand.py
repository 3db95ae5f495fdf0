"""FreiHAND: four versions of a sample, the joint order, the root, and version 1."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.freihand import adapter, sample
from ehpsbench.dataset_adapters.freihand.version import first_items
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.schema import Instances
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
SAMPLES = 5  # 2 good ones and 3 broken ones in the training set of the sample below


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("freihand") / "FreiHAND_pub_v2"
    sample.write(Order(root, BODIES, WorldSettings(), seed=5, people=10, images="none"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "FreiHAND_pub_v2"))


def read(root: Path) -> dict[str, Instances]:
    release = open_release(root, catalogue.card("freihand"))
    return {unit.name: adapter.read(unit, BODIES) for unit in adapter.units(release)}


def change(path: Path, edit: Any) -> None:
    values = np.array(json.loads(path.read_text()))
    path.write_text(json.dumps(edit(values).tolist()))


def column(root: Path, name: str, unit: str = "training/gs") -> NDArray[Any]:
    return np.ma.getdata(read(root)[unit].columns[name])


def test_image_i_plus_k_times_the_length_of_the_lists_shows_sample_i(root: Path) -> None:
    found = read(root)
    names = [f"training/{version}" for version in ("gs", "hom", "sample", "auto")]
    assert list(found) == [*names, "evaluation/evaluation"]
    assert found["training/auto"].columns["image_path"][1] == "training/rgb/00000016.jpg"
    same = found["training/gs"].columns["right_hand_pose"]
    np.testing.assert_array_equal(found["training/sample"].columns["right_hand_pose"], same)


def test_the_four_versions_of_a_sample_are_one_cluster(root: Path) -> None:
    clusters = {name: set(unit.columns["cluster"]) for name, unit in read(root).items()}
    assert len(clusters["training/gs"]) == SAMPLES
    assert clusters["training/gs"] == clusters["training/hom"] == clusters["training/auto"]
    assert not clusters["training/gs"] & clusters["evaluation/evaluation"]


def test_joints_go_from_thumb_first_to_index_middle_pinky_ring_thumb_and_tips(root: Path) -> None:
    change(root / "training_xyz.json", lambda xyz: 0 * xyz + np.arange(21)[None, :, None] / 100)
    points = column(root, "keypoints3d")[0].reshape(144, 4)
    placed = {int(i): round(100 * points[i, 0]) for i in np.flatnonzero(points[:, 3])}
    fingers = {40: 5, 41: 6, 42: 7, 43: 9, 46: 17, 49: 13, 50: 14, 52: 1, 53: 2, 54: 3}
    tips = {71: 4, 72: 8, 73: 12, 74: 16, 75: 20}
    assert placed | {21: 0} | fingers | tips == placed
    assert len(placed) == 21


def test_posed_joints_are_the_owners_xyz_to_a_micrometre(root: Path) -> None:
    columns = dict(read(root)["evaluation/evaluation"].columns)
    joints, has = posed_joints(columns, BODIES)
    labelled = np.ma.getdata(columns["keypoints3d"]).reshape(-1, 144, 4)[:, :55, :3]
    shared = has.all(0)
    assert shared.sum() == 16
    np.testing.assert_allclose(joints[:, shared], labelled[:, shared], atol=1e-6)


def test_root_point_160_112_at_scale_960_and_focal_480_is_5_cm_right_and_half_a_metre_off(
    root: Path,
) -> None:
    lens = np.array([[470.0, 0, 112], [0, 490, 112], [0, 0, 1]])
    change(root / "evaluation_K.json", lambda k: 0 * k + lens)

    def edit(mano: NDArray[np.float64]) -> NDArray[np.float64]:
        mano[:, 0, 58:] = [160, 112, 960]
        return mano

    change(root / "evaluation_mano.json", edit)
    (root / "evaluation_verts.json").unlink()
    joints, _ = posed_joints(read(root)["evaluation/evaluation"].columns, BODIES)
    np.testing.assert_allclose(joints[:, 43], [[0.05, 0, 0.5]] * len(joints), atol=1e-9)


def test_the_mean_pose_is_added(root: Path) -> None:
    change(root / "evaluation_mano.json", lambda m: np.where(np.arange(61) < 48, 0, m))
    (root / "evaluation_verts.json").unlink()
    mean = BODIES.model("mano", "right").right_hand_mean
    assert mean is not None
    assert np.abs(mean).max() > 0.1
    pose = column(root, "right_hand_pose", "evaluation/evaluation")
    np.testing.assert_allclose(pose, [mean] * len(pose))


def test_only_the_right_hand_is_valid_and_the_person_fills_the_image(root: Path) -> None:
    columns = read(root)["training/gs"].columns
    true = {name for name in columns if name.endswith("_valid") and np.all(columns[name])}
    assert true == {"right_hand_valid", "camera_valid", "owner_valid"}
    assert not {"global_orient", "body_pose", "betas", "left_hand_pose"} & set(columns)
    assert columns["bbox"][0].tolist() == [0, 0, 224, 224]
    assert (columns["right_hand_bbox"][:2, 2:] < 224).all()


def test_vertices_0_6_mm_off_on_average_are_version_1_and_refused(root: Path) -> None:
    change(root / "training_verts.json", lambda v: v + np.array([0.0006, 0, 0]))
    with pytest.raises(InputError, match=r"mean deviation 0\.60 mm.*v1"):
        read(root)
    (root / "training_verts.json").unlink()
    assert len(read(root)["training/gs"]) == SAMPLES


def test_without_evaluation_annotations_its_images_have_nobody(root: Path) -> None:
    before = len(read(root)["evaluation/evaluation"].images["image_id"])
    for kind in ("mano", "xyz", "verts"):
        (root / f"evaluation_{kind}.json").unlink()
    unit = read(root)["evaluation/evaluation"]
    assert len(unit) == 0
    assert len(unit.images["image_id"]) == before > 0


def test_lists_of_different_lengths_are_refused(root: Path) -> None:
    change(root / "training_xyz.json", lambda xyz: xyz[:-1])
    with pytest.raises(InputError, match=r"one length, found .*'xyz': 4"):
        read(root)


def test_the_head_of_a_long_list_is_read_and_a_short_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps([[i, [0.5] * 20_000] for i in range(20)]))
    assert [item[0] for item in first_items(path, 12)] == list(range(12))
    path.write_text(path.read_text()[:900_000])
    with pytest.raises(InputError, match="at least 12 samples"):
        first_items(path, 12)


def test_masks_belong_to_all_versions_of_a_sample(root: Path) -> None:
    (root / "training/mask").mkdir(parents=True)
    masks = read(root)["training/auto"].images["mask_path"]
    assert masks[3] == "training/mask/00000003.jpg"


def test_an_unknown_split_is_refused_and_train_means_training(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not 'val'"):
        sample.write(Order(tmp_path, BODIES, WorldSettings(), seed=0, people=1, split="val"))
    truth = sample.write(
        Order(tmp_path, BODIES, WorldSettings(), seed=0, people=8, split="train", images="rendered")
    )
    assert len(truth.instance_id) == 8
    assert not truth.broken
    assert len(list(tmp_path.glob("training/rgb/*.jpg"))) == 8
    assert len(list(tmp_path.glob("training/mask/*.jpg"))) == 2


@pytest.mark.parametrize("kind", ["mano", "xyz", "K"])
@pytest.mark.parametrize("split", ["training", "evaluation"])
def test_half_of_the_annotations_of_a_split_is_an_error(split: str, kind: str, root: Path) -> None:
    (root / f"{split}_{kind}.json").unlink()
    with pytest.raises(MissingFiles, match=rf"but not {split}_{kind}\.json\. Unpack"):
        read(root)


def test_training_intrinsics_without_labels_are_half_a_release(root: Path) -> None:
    for kind in ("mano", "xyz", "verts", "scale"):
        (root / f"training_{kind}.json").unlink()
    with pytest.raises(MissingFiles, match=r"training_mano\.json, training_xyz\.json"):
        read(root)
