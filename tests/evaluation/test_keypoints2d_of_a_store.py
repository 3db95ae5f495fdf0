"""2D keypoints against the labels of a store: average precision, and PCK of named people."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.errors import InputError
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.keypoints2d.joints import COCO_PARTS
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import (
    COCO_17,
    COCO_FEET_6,
    FACE_68,
    LEFT_HAND_21,
    RIGHT_HAND_21,
)

STORED, HINT = "wholebody-stored@made@test", "hint-pck@made@test"
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ehpsbench.evaluation.numbers.SAMPLES", 60)


def said_file(tmp_path: Path, said: Any) -> Path:
    path = tmp_path / "said.json"
    path.write_text(json.dumps(said))
    return path


def labelled(make_people: Make, count: int, seed: int = 0) -> dict[str, Any]:
    """People with all 133 joints in 2D, 100 px wide."""
    rng = np.random.default_rng(seed)
    sizes = (17, 6, 68, 21, 21)
    maps = (COCO_17, COCO_FEET_6, FACE_68, LEFT_HAND_21, RIGHT_HAND_21)
    parts = [np.ones((count, n, 3)) for n in sizes]
    for part in parts:
        part[..., :2] = 200 + 100 * rng.random(part[..., :2].shape)
    box = np.tile([200.0, 200.0, 100.0, 100.0], (count, 1))
    pairs = list(zip(parts, maps, strict=True))
    return make_people(count) | keypoint_columns(2, *pairs) | {"bbox": box}


def repeated(truth: dict[str, Any], maps: dict[str, Any]) -> list[dict[str, Any]]:
    """Detections that repeat the labels, in COCO's form."""
    points = np.asarray(truth["keypoints2d"], np.float32).reshape(len(truth["bbox"]), 144, 3)
    said = [
        {"image_id": i, "instance_id": p, "score": 0.5}
        for i, p in zip(truth["image_id"], truth["instance_id"], strict=True)
    ]
    for row, detection in enumerate(said):
        detection |= {n: points[row, list(m)].reshape(-1).tolist() for n, m in maps.items()}
    return said


PARTS_OF = dict(
    zip(COCO_PARTS, (COCO_17, COCO_FEET_6, FACE_68, LEFT_HAND_21, RIGHT_HAND_21), strict=True)
)


def test_repeating_the_labels_of_a_store_is_perfect_and_who_is_left_out_costs_nothing(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    truth = labelled(make_people, 4)
    truth["keypoints2d"][3] = 0
    store = make_store(tmp_path, truth, bodies)
    said = repeated(truth, PARTS_OF)
    path = said_file(tmp_path, said[:3])
    result = evaluate(store, "model", STORED, bodies, predictions=path)
    assert result.number("whole_ap") == result.number("left_hand_ar") == pytest.approx(1)
    assert result.summary["left_out"] == {"no labelled keypoint": 1}
    assert result.summary["people"] == 3
    assert result.summary["skipped"]["whole_ap_large"] == "nobody to find"
    far = [
        d | {"score": 0.9} | {n: (np.array(d[n]) + 300).tolist() for n in PARTS_OF} for d in said
    ]
    result = evaluate(store, "model", STORED, bodies, predictions=said_file(tmp_path, far[:3]))
    assert result.number("whole_ap") == 0


def test_a_smaller_box_makes_the_same_error_count_for_more(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    found = []
    for side in (100.0, 50.0):
        truth = labelled(make_people, 3)
        truth["bbox"][:, 2:] = side
        store = make_store(tmp_path / str(side), truth, bodies)
        said = repeated(truth, PARTS_OF)
        for detection in said:
            for name in PARTS_OF:
                detection[name] = (
                    np.array(detection[name]) + [1.5, 0, 0] * COCO_PARTS[name]
                ).tolist()
        path = said_file(tmp_path, said)
        found.append(evaluate(store, "model", STORED, bodies, predictions=path))
    assert found[0].number("face_ap") > found[1].number("face_ap")


def test_images_are_called_by_numbers_of_their_own_only_with_a_mapping(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    truth = labelled(make_people, 2)
    store = make_store(tmp_path, truth, bodies)
    said = [d | {"image_id": 7 + i} for i, d in enumerate(repeated(truth, PARTS_OF))]
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "predictions.json").write_text(json.dumps(said))
    with pytest.raises(InputError, match=r"of the image 7, which is not scored.*images\.json"):
        evaluate(store, "model", STORED, bodies, predictions=folder)
    names = {str(7 + i): name for i, name in enumerate(truth["image_id"])}
    (folder / "images.json").write_text(json.dumps(names))
    result = evaluate(store, "model", STORED, bodies, predictions=folder)
    assert result.number() == pytest.approx(1)


def test_a_store_without_labelled_keypoints_is_refused_not_projected(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    truth = make_people(2) | {"bbox": np.tile([0.0, 0, 9, 9], (2, 1))}
    store = make_store(tmp_path, truth, bodies)
    with pytest.raises(InputError, match=r"no labelled 2D keypoints .*Projections"):
        evaluate(store, "model", STORED, bodies, predictions=said_file(tmp_path, []))


def hands(make_people: Make, count: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """People of whom one hand is labelled, left and right in turn, with a box of 40 × 80 px."""
    rng = np.random.default_rng(3)
    points = np.ones((2, count, 21, 3))
    points[..., :2] = 300 * rng.random((2, count, 21, 2))
    points[0, 1::2, :, 2] = points[1, ::2, :, 2] = 0
    columns = keypoint_columns(2, (points[0], LEFT_HAND_21), (points[1], RIGHT_HAND_21))
    box = {"bbox": np.tile([0.0, 0.0, 40.0, 80.0], (count, 1))}
    truth = make_people(count) | columns | box
    said = repeated(truth, {"keypoints": LEFT_HAND_21})
    right = repeated(truth, {"keypoints": RIGHT_HAND_21})
    return truth, [r if i % 2 else d for i, (d, r) in enumerate(zip(said, right, strict=True))]


def test_hint_s_pck_takes_either_hand_and_measures_by_the_longer_side(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make, make_again: Make
) -> None:
    truth, said = hands(make_people, 4)
    store = make_store(tmp_path, truth, bodies)
    for detection, shift in zip(said, (0, 3.99, 4.01, 30), strict=True):
        moved = np.array(detection["keypoints"]).reshape(21, 3)
        moved[:, 0] += shift
        detection["keypoints"] = moved.reshape(-1).tolist()
    result = evaluate(store, "model", HINT, bodies, predictions=said_file(tmp_path, said))
    make_again(result)
    assert [result.number(f"pck_{level}") for level in ("0.05", "0.1", "0.15")] == [0.5, 0.75, 0.75]
    assert result.rows["instance_id"].to_pylist() == list(truth["instance_id"])
    assert result.summary["numbers"]["pck_0.05"]["clusters"] == 2
    with pytest.raises(InputError, match="no prediction for 1 of the 4 people"):
        evaluate(store, "model", HINT, bodies, predictions=said_file(tmp_path, said[1:]))
    path = said_file(tmp_path, said[2:])
    partial = evaluate(store, "model", HINT, bodies, predictions=path, allow_missing=True)
    assert (partial.summary["missing_predictions"], partial.number()) == (2, 0)


def test_a_prediction_for_nobody_or_for_somebody_twice_is_refused(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    truth, said = hands(make_people, 2)
    store = make_store(tmp_path, truth, bodies)
    for wrong, message in (
        ([said[0], said[0]], "predicted twice"),
        ([said[0] | {"instance_id": "x"}], "'x'"),
    ):
        with pytest.raises(InputError, match=message):
            evaluate(store, "model", HINT, bodies, predictions=said_file(tmp_path, wrong))
