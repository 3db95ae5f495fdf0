"""IDEA400: a camera a frame, when hands count, frames and clips that do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.motion_x import adapter, sample
from ehpsbench.dataset_adapters.motion_x.adapter import holds_mean
from ehpsbench.dataset_adapters.release import Unit, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
MODEL = BODIES.model("smplx", "neutral")


@pytest.fixture
def units(tmp_path: Path) -> list[Unit]:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), seed=2, people=6, images="flat"))
    return list(adapter.units(open_release(tmp_path, catalogue.card("motion_x"))))


def changed(unit: Unit, **arrays: Any) -> dict[str, np.ndarray]:
    """The columns of a clip after some of its arrays were replaced."""
    content = {name: values for name, values in load_npz(unit.files[0]).items()}
    save_npz(unit.files[0], **(content | arrays))
    return dict(adapter.read(unit, BODIES).columns)


def test_each_frame_has_its_own_camera_and_the_body_turns_about_its_pelvis(
    units: list[Unit],
) -> None:
    content, columns = load_npz(units[1].files[0]), adapter.read(units[1], BODIES).columns
    row = 3  # the second person in the second frame
    assert (columns["frame"][row], columns["person"][row]) == (2, "1")
    pelvis = MODEL.rest_joints(content["betas"][1:, :10])[0, 0]
    turn, shift = content["cam_R"][1, 1], content["cam_t"][1, 1]
    assert np.abs(turn - content["cam_R"][1, 0]).max() > 1e-3
    expected = turn @ (pelvis + content["trans"][1, 1]) + shift
    assert pelvis + columns["transl"][row] == pytest.approx(expected)


def test_clips_without_images_and_labels_without_a_frame_are_left_out(units: list[Unit]) -> None:
    assert [unit.name for unit in units] == sorted(sample.CLIPS)
    short = next(unit for unit in units if unit.name == sample.CLIPS[1])
    images = adapter.read(short, BODIES).images
    assert len(images["frame"]) == load_npz(short.files[0])["trans"].shape[1] - 1
    assert images["image_path"][0].endswith("/000001.png")


def test_the_folder_s_name_tells_the_frame_rate(units: list[Unit]) -> None:
    rates = {unit.name: set(adapter.read(unit, BODIES).images["fps"]) for unit in units}
    assert rates == {sample.CLIPS[0]: {15.0}, sample.CLIPS[1]: {30.0}}


def test_hands_count_only_where_their_values_show_the_mean_hand() -> None:
    mean = MODEL.hand_mean("left")
    sway = 0.05 * np.sin(np.arange(20))[None, :, None] * np.ones(45)
    assert holds_mean(mean + sway, mean).tolist() == [True]
    assert holds_mean(sway, mean).tolist() == [False]


def test_hands_of_zeros_are_kept_as_they_are_and_not_valid(units: list[Unit]) -> None:
    shape = load_npz(units[0].files[0])["pose_lhand"].shape
    columns = changed(units[0], pose_lhand=np.zeros(shape))
    assert not columns["left_hand_pose"].any()
    assert not columns["left_hand_valid"].any()


def test_a_body_at_rest_was_not_found_and_a_long_expression_is_no_smplx_one(
    units: list[Unit],
) -> None:
    pose = np.array(load_npz(units[0].files[0])["pose_body"])
    pose[:, 0] = 0.01
    people, frames = pose.shape[:2]
    columns = changed(units[0], pose_body=pose, expr=np.ones((people, frames, 50)))
    assert columns["body_valid"].tolist() == (columns["frame"] > 1).tolist()
    assert not columns["face_valid"].any()
    assert [len(more) for more in columns["expression_more"]] == [40] * len(columns["frame"])


def test_arrays_that_do_not_fit_together_are_an_error_of_the_file(units: list[Unit]) -> None:
    with pytest.raises(InputError, match=r"\.npz is not a clip of IDEA400"):
        changed(units[0], cam_t=np.zeros((1, 1, 3)))
