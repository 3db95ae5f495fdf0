"""HumanData's keypoints: masks, compressed and whole, conventions, frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.dataset_adapters.readers.humandata_sample_arrays import compressed
from ehpsbench.skeleton.human_data import INDEX

Make = Callable[..., Any]
COUNT = 4
RNG = np.random.default_rng(7)


def test_compressed_keypoints_come_back_to_the_places_of_their_mask(
    content: Make, columns_of: Make, tmp_path: Path
) -> None:
    values = content()
    whole = columns_of(tmp_path / "whole", values)
    small = columns_of(tmp_path / "small", compressed(values))
    for name in ("keypoints2d", "keypoints2d_extra"):
        np.testing.assert_array_equal(whole[name], small[name])
    at = INDEX["pelvis_openpose"]
    extra = small["keypoints2d_extra"].reshape(COUNT, 46, 3)[:, at - 144]
    np.testing.assert_array_equal(extra, values["keypoints2d"][:, at])


@pytest.mark.parametrize("flag", [True, False, None])
def test_full_width_keypoints_are_read_whatever_the_flag_says(
    flag: bool | None, content: Make, columns_of: Make, tmp_path: Path
) -> None:
    values = content(__keypoints_compressed__=flag)
    if flag is None:
        values = {name: value for name, value in values.items() if not name.startswith("__")}
    found = columns_of(tmp_path, values)["keypoints2d"].reshape(COUNT, 144, 3)
    np.testing.assert_array_equal(found[:, 20], values["keypoints2d"][:, 20])


def test_144_joints_without_a_mask_are_those_of_smplx(
    content: Make, columns_of: Make, tmp_path: Path
) -> None:
    values = content()
    values["keypoints2d"] = RNG.uniform(1, 100, (COUNT, 144, 3))
    del values["keypoints2d_mask"]
    found = columns_of(tmp_path, values)
    np.testing.assert_array_equal(found["keypoints2d"], values["keypoints2d"].reshape(COUNT, -1))
    assert "keypoints2d_extra" not in found


def test_every_key_has_its_own_mask_and_one_that_none_explains_is_passed_over(
    content: Make, columns_of: Make, tmp_path: Path
) -> None:
    values = content()
    whole = values["keypoints2d"]
    mask = np.zeros(190)
    mask[[3, 4]] = 1
    values |= {"keypoints2d": whole[:, :17], "keypoints2d_smplx": whole[:, :2] + 1}
    found = columns_of(tmp_path, values | {"keypoints2d_smplx_mask": mask})["keypoints2d"]
    joints = found.reshape(COUNT, 144, 3)
    np.testing.assert_array_equal(joints[:, [3, 4]], values["keypoints2d_smplx"])
    assert np.flatnonzero(joints[0, :, 2]).tolist() == [3, 4]


def test_joints_outside_the_mask_or_without_confidence_are_absent(
    content: Make, columns_of: Make, tmp_path: Path
) -> None:
    values = content()
    values["keypoints2d"][:, 7] = 5  # not in the mask
    values["keypoints2d"][1, 20, 2] = 0
    joints = columns_of(tmp_path, values)["keypoints2d"].reshape(COUNT, 144, 3)
    assert not joints[:, 7].any()
    assert [bool(row.any()) for row in joints[:, 20]] == [True, False, True, True]


def test_labels_of_the_dataset_go_before_projections_of_its_body(
    content: Make, columns_of: Make, tmp_path: Path
) -> None:
    values = content()
    original = np.ones((COUNT, 190, 3))
    values |= {"keypoints2d_smplx": values.pop("keypoints2d"), "keypoints2d_original": original}
    found = columns_of(tmp_path, values)["keypoints2d"]
    assert (found == 1).all()


def test_coco_keypoints_that_were_never_converted_go_by_their_convention(
    content: Make, columns_of: Make, tmp_path: Path
) -> None:
    points = RNG.uniform(1, 100, (COUNT, 17, 3))
    found = columns_of(tmp_path, content(keypoints2d=points, keypoints2d_convention="coco"))
    nose, right_ankle = found["keypoints2d"].reshape(COUNT, 144, 3)[:, [55, 8]].swapaxes(0, 1)
    np.testing.assert_array_equal(nose, points[:, 0])
    np.testing.assert_array_equal(right_ankle, points[:, 16])


@pytest.mark.parametrize("aligned", [True, False])
def test_3d_keypoints_about_the_root_are_not_in_the_camera_frame(
    aligned: bool, changed: Make, columns_of: Make, tmp_path: Path
) -> None:
    values = changed("misc", kps3d_root_aligned=aligned)
    values["keypoints3d"] = np.ones((COUNT, 190, 4))
    assert ("keypoints3d" in columns_of(tmp_path, values)) is not aligned
