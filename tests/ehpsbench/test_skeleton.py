from __future__ import annotations

import re

import numpy as np

from ehpsbench.skeleton import sources
from ehpsbench.skeleton.human_data import INDEX, NAMES
from ehpsbench.skeleton.placing import keypoint_columns


def test_the_190_names_stand_at_their_published_places() -> None:
    assert len(NAMES) == len(set(NAMES)) == 190
    published = {
        "jaw": 22, "left_index_1": 25, "left_pinky_1": 31, "left_ring_1": 34, "right_index_1": 40,
        "nose": 55, "right_eye": 56, "left_eye": 57, "left_heel": 62, "left_thumb": 66,
        "left_ring": 69, "right_pinky": 75, "face_17": 76, "face_67": 126, "face_0": 127,
        "headtop": 147, "nose_openpose": 153, "right_heel_openpose": 177, "head_h36m": 185,
        "left_hand": 188, "right_hand": 189,
    }  # fmt: skip
    assert {name: INDEX[name] for name in published} == published


def test_every_map_names_each_joint_once() -> None:
    maps = {k: v for k, v in vars(sources).items() if re.search(r"_\d", k) and k.isupper()}
    for name, joints in maps.items():
        assert len(joints) == int(re.findall(r"_(\d+)", name)[0]), name
        assert len(set(joints)) == len(joints), name


def test_the_hands_go_from_the_wrist_to_the_little_fingers_tip() -> None:
    assert sources.LEFT_HAND_21[:5] == (20, 37, 38, 39, 66)
    assert sources.RIGHT_HAND_21[-4:] == (46, 47, 48, 75)


def test_a_joint_without_a_score_is_zero_and_a_later_source_wins_only_where_it_saw() -> None:
    first = np.array([[[1.0, 2.0, 0.5], [3.0, 4.0, 0.0]]])
    second = np.array([[[9.0, 9.0, 0.0]]])
    columns = keypoint_columns(2, (first, (0, 1)), (second, (0,)))
    placed = columns["keypoints2d"].reshape(1, 144, 3)
    assert placed[0, 0].tolist() == [1.0, 2.0, 0.5]
    assert placed[0, 1].tolist() == [0.0, 0.0, 0.0]
    assert "keypoints2d_extra" not in columns


def test_names_past_the_smplx_joints_go_to_the_extra_column() -> None:
    columns = keypoint_columns(3, (np.ones((2, 24, 4)), sources.SMPL_24))
    assert columns["keypoints3d"].shape == (2, 144 * 4)
    extra = columns["keypoints3d_extra"].reshape(2, 46, 4)
    assert extra[:, :44].sum() == 0
    assert extra[:, 44:].sum() == 16


def test_every_joint_of_sources_in_any_order_stands_where_one_by_one_puts_it() -> None:
    rng = np.random.default_rng(3)
    given = [
        (rng.normal(size=(5, count, 3)), tuple(rng.permutation(190)[:count].tolist()))
        for count in (40, 7, 190)
    ]
    given.append((rng.normal(size=(5, 17, 3)), sources.COCO_17))
    placed = np.zeros((5, 190, 3))
    for values, joints in given:
        for row, k in np.argwhere(values[..., 2] > 0):
            placed[row, joints[k]] = values[row, k]
    found = keypoint_columns(2, *given)
    both = np.concatenate([found["keypoints2d"], found["keypoints2d_extra"]], 1)
    assert np.array_equal(both.reshape(5, 190, 3), placed)
