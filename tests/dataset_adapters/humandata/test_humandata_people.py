"""HumanData's people: boxes, flags, ids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.schema import present

Make = Callable[..., Any]
Content = dict[str, Any]


def test_flags_of_hands_and_face_count(changed: Make, columns_of: Make, tmp_path: Path) -> None:
    flags = {"lefthand_valid": [1, 0, 1, 1], "face_valid": [True, True, False, True]}
    found = columns_of(tmp_path, changed("meta", **flags))
    assert found["left_hand_valid"].tolist() == [True, False, True, True]
    assert found["face_valid"].tolist() == [True, True, False, True]
    assert found["right_hand_valid"].all()


@pytest.mark.parametrize(
    "flag",
    [
        {"annot_valid": [True, False, True, True]},
        {"iscrowd": [0, 1, 0, 0]},
        {"num_keypoints": [17, 0, 3, 1]},
        {"valid_label": [2, 0, 1, 2]},
    ],
)
def test_people_whom_the_owners_skip_are_marked(
    flag: Content, changed: Make, columns_of: Make, tmp_path: Path
) -> None:
    found = columns_of(tmp_path, changed("meta", **flag))
    assert found["owner_valid"].tolist() == [True, False, True, True]


def test_a_padded_box_of_60_by_120_is_50_by_100_about_the_same_centre(
    content: Make, changed: Make, columns_of: Make, tmp_path: Path
) -> None:
    found = columns_of(tmp_path, content())
    np.testing.assert_allclose(found["bbox"][0], [15, 30, 50, 100])
    scaled = columns_of(tmp_path / "s", changed("misc", bbox_body_scale=1.5))
    np.testing.assert_allclose(scaled["bbox"][0], [20, 40, 40, 80])


def test_boxes_of_four_numbers_count_and_those_without_confidence_do_not(
    content: Make, columns_of: Make, tmp_path: Path
) -> None:
    values = content()
    hand = values["bbox_xywh"].copy()
    hand[:, 4] = [1, 0, -1, 1]
    values |= {"bbox_xywh": values["bbox_xywh"][:, :4], "lhand_bbox_xywh": hand}
    found = columns_of(tmp_path, values)
    assert present(found["bbox"]).all()
    assert present(found["left_hand_bbox"]).tolist() == [True, False, False, True]
    np.testing.assert_allclose(found["left_hand_bbox"][0], [10, 20, 60, 120])  # not padded


def test_ids_are_folder_number_and_person(
    content: Make, changed: Make, columns_of: Make, tmp_path: Path
) -> None:
    found = columns_of(tmp_path, content())["instance_id"].tolist()
    ids = [f"bedlam/train/{image}/{i}" for image in ("a/0/7", "b/0/8") for i in (0, 1)]
    assert found == ids
    tracked = changed("meta", track_id=[5, 9, 5, 5], cam_id=["x"] * 4)
    found = columns_of(tmp_path / "t", tracked)["instance_id"].tolist()
    keys = [("a/x/7", 5), ("a/x/7", 9), ("b/x/8", 0), ("b/x/8", 1)]  # 5 is there twice
    assert found == [f"bedlam/train/{image}/{person}" for image, person in keys]
