"""EMDB: whose frames count, corners of boxes, splits by flags, and the turn about the pelvis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.emdb import adapter, sample
from ehpsbench.dataset_adapters.release import Unit, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.geometry import rotation_matrix
from ehpsbench.restricted_pickle import dump_plain, load
from ehpsbench.schema import present
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
PLAIN = "P2/20_stairs"


@pytest.fixture
def units(tmp_path: Path) -> dict[str, Unit]:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 9, "none"))
    return {u.name: u for u in adapter.units(open_release(tmp_path, catalogue.card("emdb")))}


def changed(unit: Unit, **values: Any) -> dict[str, np.ndarray]:
    """The columns of a sequence after some of its values were replaced."""
    dump_plain({**load(unit.files[0]), **values}, unit.files[0])
    return dict(adapter.read(unit, BODIES).columns)


def test_joints_of_a_frame_outside_the_mask_score_0_and_those_without_a_box_1(
    units: dict[str, Unit],
) -> None:
    count = len(load(units[PLAIN].files[0])["kp2d"])
    mask = np.arange(count) != 0
    boxes = {"bboxes": np.tile([10.0, 20, 110, 220], (count, 1)), "invalid_idxs": np.array([1])}
    columns = changed(units[PLAIN], good_frames_mask=mask, bboxes=boxes)
    score = columns["keypoints2d"].reshape(count, 144, 3)[:, :22, 2]
    assert score.any(1).tolist() == mask.tolist()
    counts = np.arange(count) > 1
    assert columns["owner_valid"].tolist() == counts.tolist()
    assert present(columns["bbox"]).tolist() == counts.tolist()
    assert columns["bbox"][2].tolist() == [10, 20, 100, 200]  # from corners


def test_the_body_turns_about_its_pelvis_into_the_camera_of_its_frame(
    units: dict[str, Unit],
) -> None:
    data, columns = load(units[PLAIN].files[0]), adapter.read(units[PLAIN], BODIES).columns
    model = BODIES.model("smpl", data["gender"])
    pelvis = model.rest_joints(np.asarray(data["smpl"]["betas"])[None])[0, 0]
    chain = np.asarray(data["camera"]["extrinsics"])[1]
    place = chain[:3, :3] @ (pelvis + data["smpl"]["trans"][1]) + chain[:3, 3]
    assert columns["transl"][1] + pelvis == pytest.approx(place)
    turned = chain[:3, :3] @ rotation_matrix(data["smpl"]["poses_root"][1])
    assert rotation_matrix(columns["global_orient"][1]) == pytest.approx(turned)


@pytest.mark.parametrize(
    ("first", "second", "split"),
    [
        (True, True, "emdb1"),
        (True, False, "emdb1"),
        (False, True, "emdb2"),
        (False, False, "train"),
    ],
)
def test_flags_name_the_split_and_the_first_benchmark_wins(
    units: dict[str, Unit], first: bool, second: bool, split: str
) -> None:
    assert set(changed(units[PLAIN], emdb1=first, emdb2=second)["split"]) == {split}


@pytest.mark.parametrize("word", ["female", b"female", np.str_("female"), np.array(b"female")])
def test_a_gender_is_a_word_or_its_bytes(units: dict[str, Unit], word: Any) -> None:
    assert set(changed(units[PLAIN], gender=word)["gender"]) == {"female"}


def test_what_a_sequence_lacks_is_said_of_its_file(units: dict[str, Unit]) -> None:
    with pytest.raises(InputError, match=r"P2_20_stairs_data\.pkl is not a sequence of EMDB"):
        changed(units[PLAIN], camera={})
