"""SynBody's first picture has no labels; its joints tell whether hands leave the mean out."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.synbody import adapter, sample
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 8, "flat"))
    return tmp_path


def read(root: Path, sequence: int = 0) -> Instances:
    units = list(adapter.units(open_release(root, catalogue.card("synbody"))))
    return adapter.read(units[sequence], BODIES)


def place(root: Path, sequence: int = 0) -> Path:
    return root / sample.SEQUENCES[sequence] / f"smplx/{sample.PEOPLE[0]}.npz"


def stored(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=True) as arrays:
        return {n: v.item() if v.ndim == 0 else v for n, v in arrays.items()}


def hand(columns: Any, frame: int) -> Any:
    mine = (columns["person"] == sample.PEOPLE[0]) & (columns["frame"] == frame)
    return columns["left_hand_pose"][mine][0]


def test_row_0_belongs_to_picture_1_and_a_row_for_the_t_pose_is_left_out(root: Path) -> None:
    for sequence, first in ((0, 0), (1, 1)):
        transl = stored(place(root, sequence))["smplx"]["transl"]
        columns = read(root, sequence).columns
        mine = (columns["person"] == sample.PEOPLE[0]) & (columns["frame"] == 1)
        assert columns["transl"][mine][0] == pytest.approx(transl[first])
        assert columns["source_row"][mine][0] == first


def test_without_pictures_rows_begin_at_picture_1(root: Path) -> None:
    count = len(stored(place(root))["keypoints2d"])
    shutil.rmtree(root / sample.SEQUENCES[0] / "rgb")
    assert read(root).images["frame"].tolist() == list(range(1, count + 1))


def test_the_fingers_joints_decide_whether_the_mean_hand_is_added(root: Path) -> None:
    for sequence, row, added in ((0, 0, 1.0), (1, 1, 0.0)):
        table = stored(place(root, sequence))
        pose = table["smplx"]["left_hand_pose"][row].reshape(45)
        model = BODIES.model("smplx", table["meta"]["gender"])
        expected = pose + added * model.hand_mean("left")
        assert hand(read(root, sequence).columns, 1) == pytest.approx(expected, abs=1e-6)


def test_without_joints_the_owners_word_on_hands_counts(root: Path) -> None:
    for path in place(root, 1).parent.glob("*.npz"):
        content = stored(path)
        save_npz(path, **(content | {"keypoints3d": np.zeros_like(content["keypoints3d"])}))
    content = stored(place(root, 1))
    columns = read(root, 1).columns
    expected = content["smplx"]["left_hand_pose"][1].reshape(45)
    expected = expected + BODIES.model("smplx", content["meta"]["gender"]).hand_mean("left")
    assert hand(columns, 1) == pytest.approx(expected, abs=1e-6)
    assert "keypoints3d" not in columns


def test_somebody_outside_the_picture_is_no_instance_of_it(root: Path) -> None:
    path = place(root)
    content = stored(path)
    content["keypoints2d"][:2, :, 0] += 5000
    save_npz(path, **content)
    columns = read(root).columns
    mine = columns["person"] == sample.PEOPLE[0]
    assert columns["frame"][mine].min() == 3
    assert columns["frame"][~mine].min() == 1


def test_the_lens_is_that_of_the_owners_viewer(root: Path) -> None:
    columns = read(root).columns
    content = stored(place(root))
    point = content["keypoints3d"][0, 0]
    expected = 640 * point[:2] / point[2] + [640, 360]
    assert content["keypoints2d"][0, 0, :2] == pytest.approx(expected, abs=0.01)
    assert columns["focal"][0] == pytest.approx([640, 640])


def test_pictures_that_do_not_fit_the_labels_are_refused(root: Path) -> None:
    folder = root / sample.SEQUENCES[0] / "rgb"
    for path in list(folder.glob("*.jpeg"))[:3]:
        path.unlink()
    with pytest.raises(InputError, match=r"pictures in rgb/, but \d+ rows"):
        read(root)
