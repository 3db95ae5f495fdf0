"""COCO's container and NeuralAnnot's entries, by small examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters.readers.coco import box_column, keypoints_of, labelled, read_coco
from ehpsbench.dataset_adapters.readers.neural_annot import lens_columns, neural_annot_columns
from ehpsbench.errors import InputError
from ehpsbench.skeleton.sources import COCO_17

BODIES = open_bodies("small")
IMAGES = [{"id": 7, "file_name": "a.jpg"}, {"id": 9, "file_name": "b.jpg"}]
SMPLX = {
    "root_pose": [0.1, 0.2, 0.3],
    "body_pose": [0.0] * 63,
    "shape": [1.0] * 10,
    "trans": [0, 0, 4],
}
HANDS = {
    "lhand_pose": [0.0] * 45,
    "rhand_pose": [0.1] * 45,
    "jaw_pose": [0, 0, 0],
    "expr": [0.0] * 10,
}


def written(tmp_path: Path, annotations: list[dict[str, Any]], images: Any = IMAGES) -> Path:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return path


def test_annotations_know_the_row_of_their_image(tmp_path: Path) -> None:
    coco = read_coco(written(tmp_path, [{"id": i, "image_id": m} for i, m in ((1, 9), (2, 7))]))
    assert coco.image.tolist() == [1, 0]
    assert coco.of_images("file_name") == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("people", "images", "words"),
    [
        ([{"id": 1, "image_id": 8}], IMAGES, "KeyError: 8"),
        ([{"id": 1, "image_id": 7}] * 2, IMAGES, "comes twice"),
        ([], [IMAGES[0]] * 2, "comes twice"),
        ([{"image_id": 7}], IMAGES, "'id'"),
    ],
)
def test_a_file_that_contradicts_itself_is_named(
    tmp_path: Path, people: list[dict[str, Any]], images: Any, words: str
) -> None:
    with pytest.raises(InputError, match=rf"c\.json.*{words}"):
        read_coco(written(tmp_path, people, images))


def test_crowds_and_people_without_keypoints_do_not_count() -> None:
    people = [{"num_keypoints": 3}, {"num_keypoints": 0}, {"num_keypoints": 3, "iscrowd": 1}, {}]
    assert labelled(people).tolist() == [True, False, False, True]


def test_absent_keypoints_and_boxes_are_null() -> None:
    nose = [10.0, 20.0, 2.0] + [0.0] * 48
    people = [{"keypoints": nose, "bbox": [1, 2, 3, 4]}, {"keypoints": None, "bbox": [0, 0, 0, 0]}]
    points = keypoints_of(people, ("keypoints", COCO_17))["keypoints2d"]
    assert points[0].reshape(144, 3)[55].tolist() == [10, 20, 2]
    assert np.ma.getmaskarray(points)[1].all()
    assert np.ma.getmaskarray(box_column(people))[:, 0].tolist() == [False, True]


def test_a_body_only_fit_rests_at_the_mean_hand_and_its_hands_are_not_valid() -> None:
    entry = {"smplx_param": SMPLX, "cam_param": {"focal": [500, 510], "princpt": [3, 4]}}
    columns = neural_annot_columns([entry], BODIES)
    mean = BODIES.model("smplx", "neutral").hand_mean("left")
    assert columns["left_hand_pose"][0] == pytest.approx(mean)
    valid = {name for name, values in columns.items() if name.endswith("_valid") and values[0]}
    assert valid == {"body_valid", "shape_valid"}
    assert lens_columns([entry])["focal"].tolist() == [[500, 510]]


def test_whole_body_fits_have_hands_and_their_own_flags_count() -> None:
    whole = {"smplx_param": SMPLX | HANDS | {"rhand_valid": False}}
    columns = neural_annot_columns([whole], BODIES, source="osx")
    mean = BODIES.model("smplx", "neutral").hand_mean("right")
    assert columns["right_hand_pose"][0] == pytest.approx(mean + 0.1)
    assert columns["left_hand_valid"].tolist() == [True]
    assert columns["right_hand_valid"].tolist() == [False]
    assert set(columns["labels"]) == {"osx"}


@pytest.mark.parametrize("wrap", [lambda fit: {"smpl_param": fit}, lambda fit: fit])
def test_smpl_fits_are_read_wrapped_or_flat(wrap: Any) -> None:
    fit = {"pose": list(range(72)), "shape": [0.0] * 10, "trans": [0, 0, 3]}
    columns = neural_annot_columns([wrap(fit)], BODIES)
    assert columns["body_pose"][0, 0] == 3
    assert columns["smpl_hand_pose"][0].tolist() == [66, 67, 68, 69, 70, 71]
    assert not columns["shape_valid"][0]


def test_a_fit_that_lacks_something_is_an_error() -> None:
    with pytest.raises(InputError, match="trans"):
        neural_annot_columns(
            [{"smplx_param": {k: v for k, v in SMPLX.items() if k != "trans"}}], BODIES
        )
