"""AGORA's benchmark from a miniature release to numbers: pickles in, misses and F1 out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.cli.scores import print_result
from ehpsbench.evaluation.agora import task
from ehpsbench.evaluation.agora.images import image_name
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.predictions import write_predictions
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.restricted_pickle import dump_plain
from ehpsbench.schema import from_arrow
from ehpsbench.store import Store

Make = Callable[..., Any]
OFFICIAL = "agora-val-official"
MICROMETRE = 1e-3  # mm: what float32 meshes some metres away allow
People = dict[str, list[dict[str, Any]]]


def dataframe_only(store: Store, people: People) -> int:
    """People in the store whom only the dataframe without joints lists."""
    return store.instances("agora", "train").num_rows - sum(map(len, people.values()))


def test_repeating_the_owners_joints_and_meshes_has_no_error(
    store: Store, truth: People, valid: People, written: Make, scored: Make
) -> None:
    result = scored("matched", written(valid))
    lost = dataframe_only(store, truth)
    people = sum(map(len, valid.values()))
    assert result.number("f1") == pytest.approx(2 * people / (2 * people + lost))
    assert result.number("precision") == 1
    for part in ("body", "left_hand", "right_hand", "face", "fullbody", "kid_fullbody"):
        assert result.number(f"{part}_mpjpe") < MICROMETRE
        assert result.number(f"{part}_mve") < MICROMETRE
    assert result.summary["false_positives"] == 0
    assert result.summary["scored"] == people + lost
    assert result.summary["left_out"] == {"owner_valid": 1}
    assert result.summary["complete"]


def test_a_detection_of_an_invalid_person_is_a_false_positive(
    truth: People, valid: People, written: Make, scored: Make
) -> None:
    result = scored("matched", written(truth))
    people = sum(map(len, valid.values()))
    assert result.summary["false_positives"] == 1
    assert result.number("precision") == pytest.approx(people / (people + 1))
    assert result.number("body_mpjpe") < MICROMETRE


def test_missing_people_costs_recall_and_dilutes_official_hands_only(
    store: Store, truth: People, valid: People, written: Make, scored: Make, make_again: Make
) -> None:
    two = [image for image, here in valid.items() if len(here) >= 2][:3]
    kept = {image: here[1:] if image in two else here for image, here in valid.items()}

    def bent(said: dict[str, Any]) -> dict[str, Any]:
        joints = said["allSmplJoints3d"].copy()
        joints[25:40, 2] += 0.016  # 15 of the 16 joints of the left hand
        return said | {"allSmplJoints3d": joints}

    folder = written(kept, bent)
    official = scored("official", folder)
    matched = scored("matched", folder)
    make_again(official)
    make_again(matched)
    found, lost = sum(map(len, kept.values())), dataframe_only(store, truth)
    assert official.summary["people_missed"] == 3 + lost
    assert official.number("recall") == round(found / (found + 3 + lost), 2)
    assert matched.number("left_hand_mpjpe") == pytest.approx(15, abs=1e-3)
    assert official.number("left_hand_mpjpe") == pytest.approx(15 * found / (found + 3), abs=0.06)
    f1 = 2 * found / (2 * found + 3 + lost)
    assert matched.number("fullbody_nmje") == pytest.approx(5 / f1, abs=1e-3)


def test_where_nobody_is_found_errors_are_undefined_for_that_reason(
    truth: People, written: Make, scored: Make, make_again: Make, capsys: Any
) -> None:
    image = next(iter(truth))

    def elsewhere(said: dict[str, Any]) -> dict[str, Any]:
        return said | {"joints": said["joints"] + 9000}

    result = scored("matched", written({image: truth[image][:1]}, elsewhere))
    make_again(result)
    assert (result.number("recall"), result.number("f1")) == (0, 0)
    assert result.summary["skipped"]["body_mpjpe"] == "nobody was found"
    assert result.summary["skipped"]["kid_face_mve"] == "no child was found"
    assert "recall" not in result.summary["skipped"]
    print_result("model", result, slices=False)
    people, images = result.summary["scored"], result.summary["images"]
    said = f"{people} of {people} scored; rows are these and the {images} images, for false"
    assert said in capsys.readouterr().out


def test_an_image_without_predictions_does_not_dilute_official_hands(
    store: Store, truth: People, valid: People, tmp_path: Path, written: Make, scored: Make
) -> None:
    image = next(name for name, here in valid.items() if here)
    rest = {name: here for name, here in valid.items() if name != image}

    def wider(said: dict[str, Any]) -> dict[str, Any]:
        return said | {
            "verts": said["verts"] * 1.1,
            "allSmplJoints3d": said["allSmplJoints3d"] * 1.1,
        }

    result = scored("official", written(rest, wider))
    matched = scored("matched", tmp_path)
    assert result.number("left_hand_mve") == round(matched.number("left_hand_mve"), 1)
    assert result.summary["people_missed"] == len(valid[image]) + dataframe_only(store, truth)


@pytest.mark.parametrize("vectors", [True, False])
def test_gendered_parameters_also_of_children_are_posed_as_the_server_does(
    store: Store, bodies: BodySet, tmp_path: Path, scored: Make, parameters: Make, vectors: bool
) -> None:
    rows = store.instances("agora", "train")
    pixels = np.ma.getdata(from_arrow(rows)["keypoints2d"]).reshape(rows.num_rows, 144, 3) * 3
    joints, _ = task_joints(store, rows, bodies)
    for i, row in enumerate(rows.to_pylist()):
        if not row["owner_valid"]:
            continue
        said = parameters(row, bodies, vectors)
        known = pixels[i, :24, :2] if row["keypoints2d"] else joints[i]
        name = f"{image_name(row['image_path'])}_1280x720_personId_{row['person']}.pkl"
        dump_plain(said | {"joints": known}, tmp_path / "predictions" / name)
    result = scored("official", tmp_path)
    assert [result.number(n) for n in ("f1", "precision", "recall", "kid_recall")] == [1, 1, 1, 1]
    assert result.number("fullbody_mve") == 0
    assert result.number("kid_fullbody_mpjpe") == 0


def task_joints(store: Store, rows: Any, bodies: BodySet) -> tuple[np.ndarray, np.ndarray]:
    """(N, 24, 2) first joints [px of the 4K image], and boxes."""
    from ehpsbench.evaluation.agora.images import images_of
    from ehpsbench.evaluation.agora.posed import posed

    images = images_of(store, protocol(f"{OFFICIAL}@agora@train"))
    place = {name: i for i, name in enumerate(images.ids.tolist())}
    image = np.array([place[name] for name in rows["image_id"].to_pylist()])
    found = posed(from_arrow(rows), image, images, bodies)
    return found.joints2d, found.boxes


def test_joints_are_seen_where_the_owners_see_them(store: Store, bodies: BodySet) -> None:
    rows = store.instances("agora", "train")
    joints, boxes = task_joints(store, rows, bodies)
    columns = from_arrow(rows)
    known = np.asarray(rows["keypoints2d"].is_valid())
    owners = np.ma.getdata(columns["keypoints2d"])[known].reshape(-1, 144, 3)[:, :127, :2] * 3
    inside = (np.abs(owners - [1920, 1080]) < [1920, 1080]).all((1, 2))
    assert inside.sum() > 5
    np.testing.assert_allclose(joints[known][inside], owners[inside, :24], atol=0.05)
    np.testing.assert_allclose(boxes[known][inside, 2:], owners[inside].max(1), atol=0.05)


def test_predictions_of_the_store_are_detections_of_their_images_whatever_their_key(
    store: Store, rules: Any, bodies: BodySet, tmp_path: Path, said_by_store: Make
) -> None:
    said = said_by_store(store, bodies)
    write_predictions(store, "rows", protocol(rules("matched")).name, said, bodies)
    first = evaluate(store, "rows", rules("matched"), bodies)
    images = [name.rpartition("/")[0] for name in said["instance_id"]]
    ids = np.array([f"{image}/detection-{99 - i}" for i, image in enumerate(images)], object)
    path = write_predictions(
        Store(tmp_path), "x", protocol(rules("matched")).name, said | {"instance_id": ids}, bodies
    )
    second = evaluate(store, "model", rules("matched"), bodies, predictions=path)
    assert first.number("recall") > 0.8
    assert 5 < first.number("body_mpjpe") < 200
    for name, number in first.summary["numbers"].items():
        assert second.summary["numbers"][name]["value"] == pytest.approx(number["value"], rel=1e-9)


def test_a_focal_length_of_the_predictor_says_where_the_person_is_seen(
    store: Store, rules: Any, bodies: BodySet, said_by_store: Make
) -> None:
    said = said_by_store(store, bodies)
    columns = from_arrow(store.instances("agora", "train"))
    further = said | {"focal": 3 * np.ma.getdata(columns["focal"])}
    name = protocol(rules("matched")).name
    write_predictions(store, "wide", name, further, bodies)
    lost = evaluate(store, "wide", rules("matched"), bodies).number("recall")
    write_predictions(store, "same", name, said | {"focal": columns["focal"]}, bodies)
    assert lost < evaluate(store, "same", rules("matched"), bodies).number("recall")


def test_the_size_of_chunks_changes_no_number(
    store: Store, truth: People, monkeypatch: pytest.MonkeyPatch, written: Make, scored: Make
) -> None:
    folder = written(truth)
    whole = scored("matched", folder)
    monkeypatch.setattr(task, "CHUNK", 1)
    done: list[int] = []
    single = scored("matched", folder, progress=lambda n, of: done.append(n))
    assert single.rows.column_names == whole.rows.column_names
    for name in whole.rows.column_names[2:]:
        np.testing.assert_allclose(single.rows[name], whole.rows[name], atol=MICROMETRE)
    assert done == list(range(1, store.images("agora", "train").num_rows + 1))


def test_rows_are_people_who_count_and_images_and_carry_the_interval(
    store: Store, truth: People, written: Make, scored: Make
) -> None:
    result = scored("official", written(truth))
    rows = pq.read_table(store.results / "model" / "official.parquet")
    images = store.images("agora", "train").num_rows
    assert rows.num_rows == result.summary["scored"] + images
    assert sum(rows["people"].to_pylist()) == result.summary["scored"]
    f1 = result.summary["numbers"]["f1"]
    assert f1["low"] <= f1["value"] <= f1["high"]
    assert f1["clusters"] == len(set(rows["cluster"].to_pylist()))


def test_slices_hold_the_people_who_count_and_no_false_positives(
    store: Store, rules: Any, bodies: BodySet, said_by_store: Make
) -> None:
    people = store.instances("agora", "train").to_pylist()
    genders = np.array([person["subject_gender"] or person["gender"] for person in people])
    said = said_by_store(store, bodies)
    men = {name: values[genders == "male"] for name, values in said.items()}
    twice = {name: np.concatenate([values, values]) for name, values in men.items()}
    keys = [f"{name}-{i}" for i, name in enumerate(twice["instance_id"])]
    twice["instance_id"] = np.array(keys, object)
    twice["transl"][len(keys) // 2 :, 0] += 30  # where nobody is
    write_predictions(store, "men", protocol(rules("matched")).name, twice, bodies)
    result = evaluate(store, "men", rules("matched"), bodies)
    slices = result.summary["slices"]
    assert {"gender", "occlusion", "size", "pose"} <= set(slices)
    assert sum(part["count"] for part in slices["gender"].values()) == result.summary["scored"]
    assert slices["gender"]["female"]["value"] is None
    assert result.summary["false_positives"] >= len(keys) // 2
    assert 0 < slices["gender"]["male"]["value"] < result.number() / 1.5


def test_the_published_rules_score_images_with_hands_and_faces_only(
    valid: People, written: Make, scored: Make
) -> None:
    folder = written(valid)
    result = scored(f"{OFFICIAL}@agora@train", folder)
    left = sum(len(here) for image, here in valid.items() if "bfh" not in image)
    assert left > 0
    assert result.summary["unused_predictions"] == left
    assert result.summary["left_out"]["images"] >= left
    assert result.number("precision") == 1
