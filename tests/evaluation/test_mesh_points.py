"""Mean errors of every vertex and joint, kept while people are scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.forward import forward
from ehpsbench.body.posed import posed_vertices
from ehpsbench.errors import StoreError
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.mesh.scoring import Errors, errors
from ehpsbench.evaluation.mesh.visible import inside_image
from ehpsbench.evaluation.predictions import write_predictions
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.evaluation.results import points_of, points_path, read_summary, write_result
from ehpsbench.metrics.rigid_alignment import aligned

Make = Callable[..., Any]
COUNT = 11
AGORA, UBODY, PW3D = "agora-val@made@test", "ubody-intra-test@made@test", "pw3d-test@made@test"


def scored(truth: dict[str, Any], said: dict[str, Any], name: str, bodies: BodySet) -> Errors:
    parameters = {n: v for n, v in said.items() if n != "instance_id"}
    return errors(truth, parameters, protocol(name), bodies, chunk=4)


def means(table: pa.Table, of: str, alignment: str, column: str = "mean_mm") -> np.ndarray:
    here = np.asarray(table["set"]) == of
    here &= np.asarray(table["alignment"]) == alignment
    return np.asarray(table[column])[here]


def disturbed(said: dict[str, Any], seed: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shape = said["body_pose"].shape
    return said | {"body_pose": said["body_pose"] + 0.2 * rng.normal(size=shape)}


@pytest.fixture
def truth(make_people: Make) -> dict[str, Any]:
    return dict(make_people(COUNT))


@pytest.fixture
def said(truth: dict[str, Any], repeat_truth: Make) -> dict[str, Any]:
    return disturbed(repeat_truth(truth))


def meshes(
    truth: dict[str, Any], said: dict[str, Any], bodies: BodySet
) -> tuple[np.ndarray, np.ndarray]:
    parameters = {n: v for n, v in said.items() if n != "instance_id"}
    found = forward(bodies.model("smplx"), **parameters).vertices
    assert found is not None
    return found.double().numpy(), np.stack(posed_vertices(truth, bodies))


def test_means_of_vertices_are_those_of_a_loop_over_people_and_vertices(
    truth: dict[str, Any], said: dict[str, Any], bodies: BodySet
) -> None:
    pred, true = meshes(truth, said, bodies)
    pelvis = bodies.model("smplx").joint_regressor[0]
    table = scored(truth, said, AGORA, bodies).points.table()
    by_root, by_similarity = (
        means(table, "vertices", "root"),
        means(table, "vertices", "similarity"),
    )
    moved = aligned(torch.from_numpy(pred), torch.from_numpy(true)).numpy()
    for vertex in (0, 700, 1503):
        apart, away = [], []
        for one in range(COUNT):
            p = pred[one, vertex] - pelvis @ pred[one]
            t = true[one, vertex] - pelvis @ true[one]
            apart.append(1000 * np.sqrt(((p - t) ** 2).sum()))
            away.append(1000 * np.sqrt(((moved[one, vertex] - true[one, vertex]) ** 2).sum()))
        assert by_root[vertex] == pytest.approx(np.mean(apart), rel=1e-6)
        assert by_similarity[vertex] == pytest.approx(np.mean(away), rel=1e-5)


def test_the_mean_over_vertices_is_the_mean_pve_and_pa_pve(
    truth: dict[str, Any], said: dict[str, Any], bodies: BodySet
) -> None:
    found = scored(truth, said, AGORA, bodies)
    table = found.points.table()
    pve, pa_pve = found.columns["pve"].mean(), found.columns["pa_pve"].mean()
    assert means(table, "vertices", "root").mean() == pytest.approx(pve, rel=1e-6)
    assert means(table, "vertices", "similarity").mean() == pytest.approx(pa_pve, rel=1e-6)


def test_the_mean_over_joints_is_the_mean_mpjpe_of_a_joint_benchmark(
    make_people: Make, repeat_truth: Make, bodies: BodySet
) -> None:
    people = make_people(COUNT, family="smpl")
    found = scored(people, disturbed(repeat_truth(people)), PW3D, bodies)
    table = found.points.table()
    joints = means(table, "joints", "root")
    assert set(table["set"].to_pylist()) == {"joints"}
    assert table["name"].to_pylist()[:2] == ["left_hip", "right_hip"]
    assert joints.mean() == pytest.approx(found.columns["mpjpe"].mean(), rel=1e-6)
    mean = means(table, "joints", "similarity").mean()
    assert mean == pytest.approx(found.columns["pa_mpjpe"].mean(), rel=1e-6)


def test_a_bent_left_elbow_is_seen_at_the_left_wrist_and_nowhere_on_the_right(
    truth: dict[str, Any], repeat_truth: Make, bodies: BodySet
) -> None:
    wrong = repeat_truth(truth)
    wrong["body_pose"][:, 3 * 17 + 1] += 0.5  # joint 18 is the left elbow
    table = scored(truth, wrong, AGORA, bodies).points.table()
    by_name = dict(
        zip(table["name"].to_pylist()[-55:], means(table, "joints", "root"), strict=True)
    )
    assert by_name["left_wrist"] > 50
    assert by_name["right_wrist"] < 0.01
    assert by_name["left_shoulder"] < 1


def test_a_vertex_counts_only_for_who_has_it_in_the_image(
    truth: dict[str, Any], said: dict[str, Any], bodies: BodySet
) -> None:
    truth["transl"][:3, 0] += 1.9  # the image's border cuts through these
    _, true = meshes(truth, said, bodies)
    seen = inside_image(true, truth)
    assert 0 < seen[:3].sum() < seen[:3].size
    table = scored(truth, said, UBODY, bodies).points.table()
    assert np.array_equal(means(table, "vertices", "root", "count"), seen.sum(0))


def test_who_is_not_finite_is_left_out_of_the_means(
    truth: dict[str, Any], said: dict[str, Any], bodies: BodySet
) -> None:
    wrong = {n: np.array(v, copy=True) for n, v in said.items()}
    wrong["body_pose"][3] = np.nan
    table = scored(truth, wrong, AGORA, bodies).points.table()
    assert set(table["count"].to_pylist()) == {COUNT - 1}
    assert np.isfinite(np.asarray(table["mean_mm"])).all()


def test_points_lie_beside_the_rows_and_old_results_have_none(
    tmp_path: Path,
    truth: dict[str, Any],
    said: dict[str, Any],
    make_store: Make,
    bodies: BodySet,
) -> None:
    store = make_store(tmp_path, truth, bodies)
    write_predictions(store, "one", AGORA, said, bodies)
    result = evaluate(store, "one", AGORA, bodies)
    table = points_of(store, read_summary(store, "one", AGORA))
    assert table is not None
    assert table.equals(result.points)
    assert table.schema.metadata[b"ehpsbench.vertices"] == b"smplx"
    _names, rows = store.query("SELECT benchmark, count(*) AS n FROM points GROUP BY ALL")
    assert rows == [(AGORA, 2 * (1504 + 55))]
    assert store.query("SELECT count(*) FROM results")[1] == [(COUNT,)]
    points_path(store, "one", AGORA).write_bytes(b"")
    with pytest.raises(StoreError, match=r"Evaluate one on .* again"):
        points_of(store, read_summary(store, "one", AGORA))
    from dataclasses import replace

    write_result(store, replace(result, points=None))
    assert points_of(store, read_summary(store, "one", AGORA)) is None
    assert "points_sha256" not in read_summary(store, "one", AGORA)
    assert not points_path(store, "one", AGORA).exists()
