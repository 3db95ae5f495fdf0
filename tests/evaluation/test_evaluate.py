"""Whole evaluations: what a result says, counts, and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.forward import forward
from ehpsbench.errors import InputError, StoreError
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.predictions import write_predictions
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.evaluation.results import read_result, read_rows, read_summary
from ehpsbench.geometry import rotation_matrix
from ehpsbench.meshes import write_ply
from ehpsbench.store import Store

Make = Callable[..., Any]
AGORA = "agora-val@made@test"
MICROMETRE = 1e-3  # mm: what float32 meshes four metres away allow


def mesh_of(said: dict[str, Any], bodies: BodySet) -> np.ndarray:
    parameters = {n: v for n, v in said.items() if n != "instance_id"}
    vertices = forward(bodies.model("smplx"), **parameters, dtype=torch.float64).vertices
    assert vertices is not None
    return vertices.numpy()


def test_ehf_meshes_are_brought_to_the_camera_and_scored(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make, repeat_truth: Make
) -> None:
    truth = make_people(2)
    said = repeat_truth(truth)
    rotation, translation = rotation_matrix([3.0, 0.1, 0.2]), np.array([0.1, 0.4, 2.0])
    for i, mesh in enumerate(mesh_of(said, bodies)):
        write_ply(
            tmp_path / f"{i}.ply", (mesh - translation) @ rotation, bodies.model("smplx").faces
        )
    truth["vertices_path"] = np.array(["0.ply", "1.ply"], object)
    truth["world_rotation"] = np.tile(rotation.reshape(9), (2, 1))
    truth["world_translation"] = np.tile(translation, (2, 1))
    for name in ("global_orient", "body_pose", "betas", "transl"):
        del truth[name]
    store = make_store(tmp_path, truth, bodies)
    write_predictions(store, "model", "ehf@made", said, bodies)
    result = evaluate(store, "model", "ehf@made", bodies)
    assert 0 <= result.number() < 2e-3
    assert result.number("pve_face") < 2e-3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_numbers_of_the_cpu(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make, repeat_truth: Make
) -> None:
    truth = make_people(8)
    store = make_store(tmp_path, truth, bodies)
    said = repeat_truth(truth)
    said["body_pose"] += 0.1
    write_predictions(store, "model", AGORA, said, bodies)
    here, there = (evaluate(store, "model", AGORA, bodies, device=d) for d in ("cpu", "cuda"))
    for name in here.rows.column_names[2:]:
        np.testing.assert_allclose(there.rows[name], here.rows[name], atol=2 * MICROMETRE)


def test_a_device_that_is_not_there_is_refused(tmp_path: Path, bodies: BodySet) -> None:
    with pytest.raises(InputError, match="There is no device 'tpu' here"):
        evaluate(Store(tmp_path), "model", AGORA, bodies, device="tpu")


def test_a_result_says_what_it_is_and_comes_back(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make, repeat_truth: Make
) -> None:
    truth = make_people(6)
    truth["owner_valid"][5] = False
    store = make_store(tmp_path, truth, bodies)
    said = repeat_truth(truth)
    said["body_pose"][0] += 0.2
    write_predictions(store, "model", AGORA, said, bodies)
    result = evaluate(store, "model", AGORA, bodies)
    summary = read_summary(store, "model", AGORA)
    rows = read_rows(store, "model", AGORA)
    assert (summary["scored"], summary["unused_predictions"], summary["left_out"]) == (
        5,
        1,
        {"owner_valid": 1},
    )
    assert summary["complete"]
    assert summary["protocol_hash"] == protocol(AGORA).hash
    assert summary["body_set"] == bodies.id
    number = summary["numbers"]["pve"]
    assert number["value"] == pytest.approx(np.mean(rows["pve"]))
    assert (number["count"], number["clusters"]) == (5, 3)
    assert number["low"] <= number["value"] <= number["high"]
    assert result.number() == number["value"] > 0
    assert rows["cluster"].to_pylist() == [f"made/{i // 2}" for i in range(5)]
    assert rows.equals(result.rows)


def test_evaluating_twice_gives_the_same_bytes(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make, repeat_truth: Make
) -> None:
    truth = make_people(3)
    store = make_store(tmp_path, truth, bodies)
    write_predictions(store, "model", AGORA, repeat_truth(truth), bodies)
    files = [store.results / "model" / f"{AGORA}.{e}" for e in ("parquet", "json")]
    evaluate(store, "model", AGORA, bodies)
    first = [f.read_bytes() for f in files]
    evaluate(store, "model", AGORA, bodies)
    assert [f.read_bytes() for f in files] == first


def test_people_without_a_prediction_are_refused_or_counted(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make, repeat_truth: Make
) -> None:
    truth = make_people(4)
    store = make_store(tmp_path, truth, bodies)
    said = {n: v[[3, 0]] for n, v in repeat_truth(truth).items()}
    write_predictions(store, "model", AGORA, said, bodies)
    with pytest.raises(InputError, match=r"no prediction for 2 of the 4 people .*scene/0/1/0"):
        evaluate(store, "model", AGORA, bodies)
    result = evaluate(store, "model", AGORA, bodies, allow_missing=True)
    assert (result.summary["missing_predictions"], result.summary["complete"]) == (2, False)
    pve = np.asarray(result.rows["pve"])
    assert np.isnan(pve).tolist() == [False, True, True, False]
    assert np.nanmax(pve) < MICROMETRE


def test_people_whom_the_split_does_not_have_are_refused(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make, repeat_truth: Make
) -> None:
    truth = make_people(2)
    store = make_store(tmp_path, truth, bodies)
    said = repeat_truth(truth)
    said["instance_id"][1] = "made/test/scene/0/77/0"
    write_predictions(store, "model", AGORA, said, bodies)
    with pytest.raises(InputError, match=r"predicts 1 people who are not in made/test.*77/0"):
        evaluate(store, "model", AGORA, bodies)


def test_rows_that_were_changed_after_the_summary_are_refused(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make, repeat_truth: Make
) -> None:
    truth = make_people(2)
    store = make_store(tmp_path, truth, bodies)
    write_predictions(store, "model", AGORA, repeat_truth(truth), bodies)
    rows = evaluate(store, "model", AGORA, bodies).rows
    pq.write_table(rows.slice(1), store.results / "model" / f"{AGORA}.parquet")
    with pytest.raises(StoreError, match="not the file that its summary speaks of"):
        read_result(store, "model", AGORA)


def test_an_entry_that_was_not_evaluated_says_what_to_do(tmp_path: Path, make_store: Make) -> None:
    with pytest.raises(InputError, match="Predict, then evaluate"):
        read_summary(Store(tmp_path), "model", "ehf")


def test_a_summary_is_json_without_nan(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make, repeat_truth: Make
) -> None:
    truth = make_people(2)
    truth["face_valid"][:] = False
    store = make_store(tmp_path, truth, bodies)
    write_predictions(store, "model", AGORA, repeat_truth(truth), bodies)
    evaluate(store, "model", AGORA, bodies)
    text = (store.results / "model" / f"{AGORA}.json").read_text()
    assert "NaN" not in text
    nothing = {"value": None, "low": None, "high": None, "count": 0, "clusters": 0}
    assert json.loads(text)["numbers"]["pve_face"] == nothing
