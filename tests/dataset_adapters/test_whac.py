"""WHAC-A-Mole's HumanData: hands are absolute, cameras move in a world, boxes are padded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.whac import adapter, sample
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 12, "none"))
    return tmp_path


def read(root: Path, split: str = "train_0") -> Instances:
    units = adapter.units(open_release(root, catalogue.card("whac")))
    return adapter.read(next(unit for unit in units if split in unit.name), BODIES)


def place(root: Path) -> Path:
    return root / "annotations/synbody_whac_DuetDance_240222_200_train_0.npz"


def stored(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=True) as arrays:
        return {n: v.item() if v.ndim == 0 else v for n, v in arrays.items()}


def test_hands_are_as_stored_without_a_mean(root: Path) -> None:
    found = read(root).columns["left_hand_pose"][0]
    assert found == pytest.approx(stored(place(root))["smplx"]["left_hand_pose"][0])


def test_rt_brings_the_world_to_the_camera_of_each_frame(root: Path) -> None:
    chain = np.asarray(stored(place(root))["meta"]["RT"])
    instances = read(root)
    point = np.array([0.3, -1.2, 4.0])
    for row in (0, 3):
        turn = instances.columns["world_rotation"][row].reshape(3, 3)
        shift = instances.columns["world_translation"][row]
        assert turn @ point + shift == pytest.approx((chain[row] @ [*point, 1])[:3])
    frame = instances.columns["frame"][3]
    image = instances.images["frame"].tolist().index(frame)
    assert instances.images["world_rotation"][image] == pytest.approx(chain[3, :3, :3].ravel())


def test_boxes_lose_the_owners_padding_of_a_fifth(root: Path) -> None:
    x, y, w, h = stored(place(root))["bbox_xywh"][0, :4]
    tight = [x + w * (1 - 1 / 1.2) / 2, y + h * (1 - 1 / 1.2) / 2, w / 1.2, h / 1.2]
    assert np.asarray(read(root).columns["bbox"][0]) == pytest.approx(tight)


def test_the_file_tells_the_split_and_a_recording_is_a_cluster(root: Path) -> None:
    columns = read(root, "test_camera").columns
    assert set(columns["split"]) == {"test"}
    assert set(columns["cluster"]) == {"whac/DuetDance-20240218:2_3:seq_0011"}
    assert set(read(root, "train_1").columns["split"]) == {"train"}


def test_what_is_no_camera_is_refused_with_the_files_name(root: Path) -> None:
    content = stored(place(root))
    content["meta"]["RT"] = [2 * chain for chain in content["meta"]["RT"]]
    save_npz(place(root), **content)
    with pytest.raises(InputError, match=r"train_0\.npz: meta RT should be rotations"):
        read(root)
