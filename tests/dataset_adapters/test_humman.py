"""HuMMan's bodies turn about their pelvis into every Kinect; Recon and Point count differently."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_vertices
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.humman import adapter, sample
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Images, Order
from ehpsbench.errors import InputError
from ehpsbench.geometry import rotation_matrix
from ehpsbench.schema import Instances, present
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
FIRST = "p000455_a000986"


def order(root: Path, split: str | None = None, images: Images = "none") -> Order:
    return Order(root, BODIES, WorldSettings(), 4, 12, images, split)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    sample.write(order(tmp_path))
    return tmp_path


def read(root: Path, sequence: int = 0) -> Instances:
    units = list(adapter.units(open_release(root, catalogue.card("humman"))))
    return adapter.read(units[sequence], BODIES)


def test_the_first_kinect_sees_bodies_as_they_are_stored(root: Path) -> None:
    stored = np.load(root / FIRST / "smpl_params/000006.npz")
    columns = read(root).columns
    row = int(np.flatnonzero((columns["camera"] == "000") & (columns["frame"] == 6))[0])
    assert columns["transl"][row] == pytest.approx(stored["transl"])
    body = np.concatenate([columns["body_pose"][row], columns["smpl_hand_pose"][row]])
    assert body == pytest.approx(stored["body_pose"])


def test_another_kinect_turns_them_about_the_pelvis(root: Path) -> None:
    stored = np.load(root / FIRST / "smpl_params/000006.npz")
    camera = json.loads((root / FIRST / "cameras.json").read_text())["kinect_color_004"]
    turn, shift = np.asarray(camera["R"]), np.asarray(camera["T"])
    pelvis = BODIES.model("smpl", "neutral").rest_joints(stored["betas"][None])[0, 0]
    columns = read(root).columns
    row = int(np.flatnonzero((columns["camera"] == "004") & (columns["frame"] == 6))[0])
    expected = turn @ (pelvis + stored["transl"]) + shift - pelvis
    assert columns["transl"][row] == pytest.approx(expected)
    found = rotation_matrix(columns["global_orient"][row])
    assert found == pytest.approx(turn @ rotation_matrix(stored["global_orient"]))


def test_recon_counts_every_sixth_frame_as_its_files_do(root: Path) -> None:
    images = read(root).images
    assert sorted(set(images["frame"]))[:3] == [0, 6, 12]
    assert images["image_path"][1] == f"{FIRST}/kinect_color/kinect_000/000006.png"
    assert images["timestamp"][1] == pytest.approx(6 / 30)


def test_point_has_one_file_and_pictures_that_count_from_1(tmp_path: Path) -> None:
    truth = sample.write_point(order(tmp_path, "train"))
    instances = read(tmp_path)
    assert instances.images["frame"][0] == 0
    assert instances.images["image_path"][0].endswith("kinect_000/000001.png")
    found = posed_vertices(instances.columns, BODIES)
    for key, vertices in zip(instances.columns["instance_id"], found, strict=True):
        expected = truth.vertices[truth.instance_id.index(key)]
        assert vertices == pytest.approx(expected, abs=1e-4)


def test_lists_or_masks_by_hand_tell_the_test_sequences(root: Path) -> None:
    def splits() -> list[str]:
        units = adapter.units(open_release(root, catalogue.card("humman")))
        return [unit.key["split"] for unit in units]

    assert splits() == ["train", "test"]
    for name in ("train", "test"):
        (root / f"{name}.txt").unlink()
    assert splits() == ["train", "train"]
    (root / FIRST / "kinect_mask_manual").mkdir()
    assert splits() == ["test", "train"]


def test_pictures_that_are_there_count(tmp_path: Path) -> None:
    sample.write(order(tmp_path, images="flat"))
    folder = tmp_path / FIRST / "kinect_color"
    shutil.rmtree(folder / "kinect_009")
    (folder / "kinect_004/000006.png").unlink()
    images = read(tmp_path).images
    shown = images["frame"][images["camera"] == "004"].tolist()
    assert 6 not in shown
    assert 12 in shown
    assert 6 in images["frame"][images["camera"] == "009"]


def test_pictures_of_recon_before_the_first_label_have_nobody(tmp_path: Path) -> None:
    sample.write(order(tmp_path, images="flat"))
    (tmp_path / FIRST / "smpl_params/000000.npz").unlink()
    assert sorted(set(read(tmp_path).columns["frame"]))[0] == 6


def test_pictures_of_point_that_count_from_0_are_refused(tmp_path: Path) -> None:
    sample.write_point(order(tmp_path, "train", "flat"))
    folder = tmp_path / FIRST / "kinect_color/kinect_004"
    for path in sorted(folder.iterdir()):
        path.rename(folder / f"{int(path.stem) - 1:06d}.png")
    with pytest.raises(InputError, match=r"kinect_004 begins with picture 0, expected 1"):
        read(tmp_path)


def test_masks_of_recon_are_named_where_they_are_there(tmp_path: Path) -> None:
    sample.write(order(tmp_path, images="flat"))
    (tmp_path / FIRST / "kinect_mask/kinect_004/000006.png").unlink()
    images = read(tmp_path).images
    missing = (images["camera"] == "004") & (images["frame"] == 6)
    assert present(images["mask_path"]).tolist() == (~missing).tolist()
    assert [round(value * images["mask_scale"][0]) for value in (127, 128)] == [0, 1]  # matting
    for picture, mask in zip(images["image_path"][:3], images["mask_path"][:3], strict=True):
        assert mask == picture.replace("kinect_color", "kinect_mask")
        assert (tmp_path / mask).is_file()
    shutil.rmtree(tmp_path / FIRST / "kinect_mask")
    assert "mask_path" not in read(tmp_path).images


def test_cameras_without_a_lens_and_poses_of_another_length_are_named(root: Path) -> None:
    frame = root / FIRST / "smpl_params/000006.npz"
    np.savez(frame, **{**np.load(frame), "body_pose": np.zeros(63)})
    with pytest.raises(InputError, match=r"000006\.npz: 'body_pose' has 63 values, expected 69"):
        read(root)
    (root / FIRST / "cameras.json").write_text(json.dumps({"kinect_color_000": {"K": 1}}))
    with pytest.raises(InputError, match=r"cameras\.json holds no cameras"):
        read(root)
