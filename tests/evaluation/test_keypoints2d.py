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
from ehpsbench.store import Store

GOLDEN = Path(__file__).parents[1] / "metrics" / "golden"
ANNOTATIONS = "annotations/coco_wholebody_val_v1.0.json"
THEIRS = ("AP", "AP .5", "AP .75", "AP (M)", "AP (L)", "AR", "AR .5", "AR .75", "AR (M)", "AR (L)")
XTCOCO = {"left_hand": "lefthand", "right_hand": "righthand", "whole": "wholebody"}
COCO, MMPOSE = "coco-wholebody-val@made@test", "coco-wholebody-val-mmpose@made@test"
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ehpsbench.evaluation.numbers.SAMPLES", 60)


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
    tmp_path: Path, coco_store: Store, bodies: BodySet, make_again: Make
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
    make_again(result)
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
