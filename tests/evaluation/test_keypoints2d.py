"""Whole evaluations of 2D keypoints: official numbers through a store, counts, and refusals."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from ehpsbench.body.bodies import BodySet
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.keypoints2d.joints import COCO_PARTS
from ehpsbench.evaluation.keypoints2d.submitted import elements
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.evaluation.results import Result, read_result
from ehpsbench.metrics.keypoint_ap import NUMBERS, Matches, average_precision
from ehpsbench.schema import IMAGES, to_arrow
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import (
    COCO_17,
    COCO_FEET_6,
    FACE_68,
    LEFT_HAND_21,
    RIGHT_HAND_21,
)
from ehpsbench.store import Store

GOLDEN = Path(__file__).parents[1] / "metrics" / "golden"
ANNOTATIONS = "annotations/coco_wholebody_val_v1.0.json"
THEIRS = ("AP", "AP .5", "AP .75", "AP (M)", "AP (L)", "AR", "AR .5", "AR .75", "AR (M)", "AR (L)")
XTCOCO = {"left_hand": "lefthand", "right_hand": "righthand", "whole": "wholebody"}
COCO, MMPOSE = "coco-wholebody-val@made@test", "coco-wholebody-val-mmpose@made@test"
STORED, HINT = "wholebody-stored@made@test", "hint-pck@made@test"
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ehpsbench.evaluation.keypoints2d.task.SAMPLES", 60)


def golden(kind: str = "") -> Any:
    return json.loads((GOLDEN / f"coco_oks_ap.people30{kind}.json").read_text())


def with_images(store: Store, ids: list[str], paths: list[str], clusters: list[str]) -> Store:
    """The store, with a table of images."""
    columns = {"image_id": ids, "image_path": paths, "cluster": clusters}
    table = to_arrow({n: np.array(v, object) for n, v in columns.items()}, IMAGES)
    path = store.folder("images", "made") / "test" / "part-00000.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(table, path)
    manifest = json.loads(store.manifest_path("made").read_text())
    manifest["splits"]["test"]["images_parts"] = ["test/part-00000.parquet"]
    store.manifest_path("made").write_text(json.dumps(manifest))
    return store


@pytest.fixture
def coco_store(tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make) -> Store:
    """A store beside COCO annotations: the golden people, with images numbered as COCO does."""
    truth = golden(".gt")
    for image in truth["images"]:
        image["file_name"] = f"{image['id']:012d}.jpg"
    (tmp_path / "annotations").mkdir()
    (tmp_path / ANNOTATIONS).write_text(json.dumps(truth))
    store = make_store(tmp_path, make_people(2), bodies)
    files = [image["file_name"] for image in truth["images"]][::-1]
    ids = [f"made/test/{Path(file).stem}" for file in files]
    return with_images(store, ids, [f"val/{file}" for file in files], ids)


def said_file(tmp_path: Path, said: Any) -> Path:
    path = tmp_path / "said.json"
    path.write_text(json.dumps(said))
    return path


def equal(result: Result, group: str, expected: dict[str, float]) -> None:
    for ours, theirs in zip(NUMBERS, THEIRS, strict=True):
        assert result.number(f"{group}_{ours}") == pytest.approx(expected[theirs], rel=1e-9)


def test_all_groups_have_xtcocotools_numbers_with_intervals_and_the_rows_tell_them_again(
    tmp_path: Path, coco_store: Store, bodies: BodySet
) -> None:
    path = said_file(tmp_path, golden(".dets"))
    result = evaluate(coco_store, "model", COCO, bodies, predictions=path)
    expected = golden()["results"]
    for group in protocol(COCO).detections.groups:
        name = XTCOCO.get(group, group)
        equal(result, group, expected[f"xtcocotools(keypoints_{name})"]["output"]["stats"])
        low, high = (result.summary["numbers"][f"{group}_ap"][n] for n in ("low", "high"))
        assert low < result.number(f"{group}_ap") < high
    assert (result.summary["scored"], result.summary["complete"]) == (30, True)
    assert result.summary["left_out"]["crowd"] == 3
    assert result.number() == result.number("whole_ap")
    again = average_precision(rows_again(read_result(coco_store, "model", COCO).rows, "face"))
    assert again["ap"].item() == pytest.approx(result.number("face_ap"), rel=1e-12)


def rows_again(table: pa.Table, group: str) -> Matches:
    """The matches that a result's rows hold."""
    scores = table[f"{group}_scores"].to_pylist()
    flags = {
        name: np.array([f for row in table[f"{group}_{name}"].to_pylist() for f in row], np.int64)
        for name in ("correct", "wrong")
    }
    bits = {
        n: torch.from_numpy((v[:, None] >> np.arange(30)) & 1).bool().reshape(-1, 3, 10)
        for n, v in flags.items()
    }
    people = [
        table[f"{group}_{n}"].to_pylist() for n in ("people", "people_medium", "people_large")
    ]
    return Matches(
        torch.tensor(np.repeat(np.arange(len(scores)), [len(row) for row in scores])),
        torch.tensor([s for row in scores for s in row], dtype=torch.float64),
        bits["correct"],
        bits["wrong"],
        torch.tensor(people).T,
    )


def test_mmpose_s_rules_give_mmpose_s_numbers(
    tmp_path: Path, coco_store: Store, bodies: BodySet
) -> None:
    path = said_file(tmp_path, golden(".dets"))
    result = evaluate(coco_store, "model", MMPOSE, bodies, predictions=path)
    equal(
        result, "whole", golden()["results"]["mmpose.CocoWholeBodyMetric(133, defaults)"]["output"]
    )
    assert protocol(MMPOSE).hash != protocol(COCO).hash


def test_17_joints_are_scored_alone_from_the_store_s_own_place(
    coco_store: Store, bodies: BodySet
) -> None:
    annotations = coco_store.root / "annotations"
    (annotations / "person_keypoints_val2017.json").write_text(
        (annotations / Path(ANNOTATIONS).name).read_text()
    )
    place = coco_store.predictions / "model" / "coco-val@made@test.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(golden(".dets")))
    result = evaluate(coco_store, "model", "coco-val@made@test", bodies)
    equal(result, "body", golden()["results"]["pycocotools(17)"]["output"]["stats"])


def test_no_detections_at_all_are_0(tmp_path: Path, coco_store: Store, bodies: BodySet) -> None:
    result = evaluate(coco_store, "model", COCO, bodies, predictions=said_file(tmp_path, []))
    assert result.number("whole_ap") == result.number("foot_ar") == 0
    assert result.summary["images_without_predictions"] == 30


def test_scores_of_parts_rank_the_parts_and_other_categories_are_counted(
    tmp_path: Path, coco_store: Store, bodies: BodySet
) -> None:
    said = golden(".dets")
    ranked = [d | {"face_score": -d["score"]} for d in said]
    turned = [d | {"score": -d["score"]} for d in said]
    other = [{"image_id": 1, "category_id": 2}]
    found, expected = (
        evaluate(coco_store, "model", COCO, bodies, predictions=said_file(tmp_path, d))
        for d in (ranked + other, turned)
    )
    assert found.number("face_ap") == expected.number("face_ap")
    assert found.number("foot_ap") != expected.number("foot_ap")
    assert found.summary["unused_predictions"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": 17}, r"result 1 is of the image 17, which is not scored"),
        ({"keypoints": [float("nan")] * 51}, r"result 1 \(image 1000\) is not finite"),
        ({"score": None}, "result 1 has no score"),
        ({"keypoints": [1.0] * 50}, "needs 133 × "),
        ({"foot_kpts": "no"}, "not numbers"),
    ],
)
def test_a_broken_detection_is_named(
    tmp_path: Path, coco_store: Store, bodies: BodySet, change: dict[str, Any], message: str
) -> None:
    said = golden(".dets")[:2]
    said[1] |= {"image_id": 1000} | change
    with pytest.raises(InputError, match=message):
        evaluate(coco_store, "model", COCO, bodies, predictions=said_file(tmp_path, said))


def test_keypoints_that_are_shares_of_the_image_are_refused(
    tmp_path: Path, coco_store: Store, bodies: BodySet
) -> None:
    said = golden(".dets")[:2]
    for detection in said:
        detection |= {p: [0.5] * 3 * n for p, n in COCO_PARTS.items()}
    with pytest.raises(InputError, match="keypoints are pixels"):
        evaluate(coco_store, "model", COCO, bodies, predictions=said_file(tmp_path, said))


def test_missing_files_say_which(tmp_path: Path, coco_store: Store, bodies: BodySet) -> None:
    with pytest.raises(MissingFiles, match=r"predictions .*said\.json are missing"):
        evaluate(coco_store, "model", COCO, bodies, predictions=tmp_path / "said.json")
    (tmp_path / ANNOTATIONS).unlink()
    with pytest.raises(MissingFiles, match=r"annotations .* are missing"):
        evaluate(coco_store, "model", COCO, bodies, predictions=said_file(tmp_path, []))


@pytest.mark.parametrize("start", [b"", b"[" + b'{"a": 1},' * 300])
def test_a_binary_file_is_refused_wherever_it_stops_being_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    path = tmp_path / "said.json"
    path.write_bytes(start + gzip.compress(b"[]") + bytes(range(128, 256)) * 200)
    monkeypatch.setattr("ehpsbench.evaluation.keypoints2d.submitted.BLOCK", 1000)
    with pytest.raises(InputError, match=r"said\.json is not UTF-8 text"):
        list(elements(path))


def test_a_list_is_read_over_the_ends_of_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = golden(".dets")[:3]
    path = tmp_path / "said.json"
    path.write_text(json.dumps(said, indent=1) + "\n")
    for block in (7, 1000, 1 << 20):
        monkeypatch.setattr("ehpsbench.evaluation.keypoints2d.submitted.BLOCK", block)
        assert list(elements(path)) == said
    for broken in ('{"annotations": []}', '[{"a": 1}', '[{"a": 1} {"a": 2}]', "[1, ]"):
        path.write_text(broken)
        with pytest.raises(InputError, match=r"not a COCO result json|broken or cut short"):
            list(elements(path))


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
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    truth, said = hands(make_people, 4)
    store = make_store(tmp_path, truth, bodies)
    for detection, shift in zip(said, (0, 3.99, 4.01, 30), strict=True):
        moved = np.array(detection["keypoints"]).reshape(21, 3)
        moved[:, 0] += shift
        detection["keypoints"] = moved.reshape(-1).tolist()
    result = evaluate(store, "model", HINT, bodies, predictions=said_file(tmp_path, said))
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {
                "pck": {
                    "normaliser": "box",
                    "thresholds": [0.1],
                    "inclusive": True,
                    "averaging": "joints",
                }
            },
            "either",
        ),
        ({"annotations": None}, "annotations names the file"),
        ({"primary": "mean"}, "is none of the numbers"),
        ({"joints": "coco17"}, "only group is body"),
        ({"truth": "store", "annotations": None}, "keeps no areas"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(change: dict[str, Any], message: str) -> None:
    rules = protocol("coco-wholebody-val")
    with pytest.raises(ValueError, match=message):
        type(rules).model_validate(rules.model_dump() | change)
