"""What OpenPose writes: parts, people, and images whose left is right."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.dataset_adapters.readers.openpose import OPENPOSE_135, read_openpose
from ehpsbench.dataset_adapters.readers.openpose_joints import mirrored
from ehpsbench.errors import InputError
from ehpsbench.skeleton.human_data import INDEX


def _at(name: str) -> int:
    return OPENPOSE_135.index(INDEX[name])


def test_parts_go_to_their_places_and_one_not_found_is_zero(tmp_path: Path) -> None:
    face = np.arange(210.0).reshape(70, 3) + 1
    hand = np.ones((21, 3)) * 5
    person = {
        "pose_keypoints_2d": [],
        "hand_right_keypoints_2d": hand.ravel().tolist(),
        "face_keypoints_2d": face.ravel().tolist(),
    }
    path = tmp_path / "a_keypoints.json"
    path.write_text(json.dumps({"people": [person, {}]}))
    people = read_openpose(path)
    assert people.shape == (2, 135, 3)
    assert people[0, _at("face_67")].tolist() == face[67].tolist()
    assert people[0, _at("right_index_1")].tolist() == [5, 5, 5]
    assert not people[0, :46].any()
    assert not people[1].any()


def test_nobody_is_an_empty_table_and_another_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "b_keypoints.json"
    path.write_text('{"people": []}')
    assert read_openpose(path).shape == (0, 135, 3)
    path.write_text('{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}')
    with pytest.raises(InputError, match="b_keypoints"):
        read_openpose(path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("left_knee_openpose", "right_knee_openpose"),
        ("nose_openpose", "nose_openpose"),
        ("left_thumb_2", "right_thumb_2"),
        ("face_0", "face_16"),  # ends of the jaw
        ("face_36", "face_45"),  # outer corners of the eyes
        ("face_41", "face_46"),  # lower lids
        ("face_31", "face_35"),  # nostrils
        ("face_48", "face_54"),  # corners of the mouth
        ("face_59", "face_55"),
        ("face_60", "face_64"),
        ("face_67", "face_65"),
        ("face_30", "face_30"),  # tip of the nose
    ],
)
def test_in_a_mirror_left_is_right_and_x_turns_round(one: str, other: str) -> None:
    points = np.zeros((135, 3))
    points[_at(one)] = 100, 50, 0.5
    turned = mirrored(points, 1920)
    assert turned[_at(other)].tolist() == [1820, 50, 0.5]
    assert np.count_nonzero(turned[:, 2]) == 1
    np.testing.assert_array_equal(mirrored(turned, 1920), points)
