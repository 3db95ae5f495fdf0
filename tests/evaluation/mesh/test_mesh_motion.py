"""Errors of motion: along tracks, cut where a frame is missing, in the units of a protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.posed import posed_vertices
from ehpsbench.errors import InputError
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.mesh.motion import tracks
from ehpsbench.evaluation.mesh.points import LSP_FROM_SMPL
from ehpsbench.evaluation.predictions import write_predictions
from ehpsbench.schema import nullable

Make = Callable[..., Any]


def walkers(make_people: Make) -> dict[str, Any]:
    """Two people of one video in frames 4 … 9, one of another in 4 … 7, in a mixed order."""
    truth = make_people(16, family="smpl")
    truth["track"] = np.repeat(np.array(["a", "b", "a"], object), [6, 6, 4])
    truth["sequence"] = np.repeat(np.array(["one", "two"], object), [12, 4])
    truth["frame"] = np.concatenate([np.arange(4, 10), np.arange(4, 10), np.arange(4, 8)])
    truth["fps"] = np.full(16, 25.0)
    order = np.random.default_rng(0).permutation(16)
    return {name: values[order] for name, values in truth.items()}


def test_acceleration_is_scored_along_each_track_whatever_the_order_of_rows_and_the_chunk(
    bodies: BodySet,
    make_people: Make,
    repeat_truth: Make,
    rules_of: Make,
    scored: Make,
    pred_mesh: Make,
    motion: dict[str, str],
    primary: dict[str, str],
) -> None:
    truth = walkers(make_people)
    said = repeat_truth(truth)
    said["body_pose"] += 0.1 * np.random.default_rng(2).normal(size=said["body_pose"].shape)
    rules = rules_of("pw3d-test", errors=[primary, motion])
    found = scored(truth, said, rules, bodies, chunk=5)["acceleration"]
    places = [0, *LSP_FROM_SMPL]
    pred = (bodies.model("smplx").joint_regressor @ pred_mesh(said, bodies))[:, places]
    true = np.stack(posed_vertices(truth, bodies))
    true = (bodies.model("smpl").joint_regressor @ true)[:, places]
    moved = (pred - pred[:, :1])[:, 1:] - (true - true[:, :1])[:, 1:]
    who = [(truth["sequence"][i], truth["track"][i], int(truth["frame"][i])) for i in range(16)]
    row = {key: i for i, key in enumerate(who)}
    for i, (sequence, track, frame) in enumerate(who):
        around = [row.get((sequence, track, frame + step)) for step in (-1, 1)]
        if None in around:
            assert np.isnan(found[i])
            continue
        turn = moved[around[0]] - 2 * moved[i] + moved[around[1]]
        expected = np.linalg.norm(turn, axis=-1).mean() * 1000
        assert found[i] == pytest.approx(expected, abs=4e-3)
    assert np.isfinite(found).sum() == 4 + 4 + 2


def test_a_missing_frame_cuts_a_track_and_a_row_without_one_is_alone(
    bodies: BodySet,
    make_people: Make,
    repeat_truth: Make,
    rules_of: Make,
    scored: Make,
    motion: dict[str, str],
    primary: dict[str, str],
) -> None:
    truth = walkers(make_people)
    lost = np.flatnonzero((truth["sequence"] == "one") & (truth["frame"] == 6))
    kept = {name: np.delete(values, lost[:1], axis=0) for name, values in truth.items()}
    rules = rules_of("pw3d-test", errors=[primary, motion])
    found = scored(kept, repeat_truth(kept), rules, bodies)["acceleration"]
    assert np.isfinite(found).sum() == 1 + 4 + 2  # frames 7, 8, 9 of one walker are left
    unnamed = truth["track"].copy()
    unnamed[truth["sequence"] == "two"] = None
    found = scored(truth | {"track": unnamed}, repeat_truth(truth), rules, bodies)["acceleration"]
    assert np.isfinite(found).sum() == 4 + 4


def test_the_order_of_tracks_is_cut_at_their_ends() -> None:
    truth = {
        "track": np.array(["b", "a", "b", "a", None, "a", None], object),
        "sequence": np.array(["x"] * 7, object),
        "frame": nullable([3, 7, 2, 6, 6, 9, 7], [True] * 7),
    }
    order, sequence = tracks(truth)
    groups = [order[sequence == s].tolist() for s in np.unique(sequence)]
    assert sorted(groups) == [[2, 0], [3, 1], [4], [5], [6]]


def test_metres_a_second_squared_need_the_frame_rate(
    bodies: BodySet,
    make_people: Make,
    repeat_truth: Make,
    rules_of: Make,
    scored: Make,
    motion: dict[str, str],
    primary: dict[str, str],
) -> None:
    truth = walkers(make_people)
    said = repeat_truth(truth)
    said["body_pose"] += 0.1 * np.random.default_rng(2).normal(size=said["body_pose"].shape)
    second = motion | {"name": "per_second", "unit": "m/s^2"}
    rules = rules_of("pw3d-test", errors=[primary, motion, second])
    found = scored(truth, said, rules, bodies)
    np.testing.assert_allclose(found["per_second"], found["acceleration"] * 25**2 / 1000)
    del truth["fps"]
    assert np.isnan(scored(truth, said, rules, bodies)["per_second"]).all()


def test_without_tracks_motion_is_skipped_with_a_reason(
    bodies: BodySet,
    make_people: Make,
    repeat_truth: Make,
    rules_of: Make,
    all_errors: Make,
    motion: dict[str, str],
    primary: dict[str, str],
) -> None:
    truth = make_people(3, family="smpl")
    rules = rules_of("pw3d-test", errors=[primary, motion])
    found = all_errors(truth, repeat_truth(truth), rules, bodies)
    assert list(found.columns) == ["mpjpe"]
    assert "no track" in found.skipped["acceleration"]


def test_every_track_column_is_needed_for_a_primary_error_of_motion(
    bodies: BodySet,
    make_people: Make,
    repeat_truth: Make,
    rules_of: Make,
    all_errors: Make,
    motion: dict[str, str],
    primary: dict[str, str],
) -> None:
    truth = make_people(3, family="smpl")
    rules = rules_of("pw3d-test", errors=[primary, motion])
    primary = rules.model_copy(update={"primary": "acceleration"})
    with pytest.raises(InputError, match="no track and frame"):
        all_errors(truth, repeat_truth(truth), primary, bodies)


def test_a_result_counts_the_windows_of_its_motion_and_explains_what_it_skipped(
    bodies: BodySet, make_people: Make, repeat_truth: Make, make_store: Make, tmp_path: Path
) -> None:
    truth, benchmark = walkers(make_people), "pw3d-h36m14@made@test"
    said = repeat_truth(truth)
    said["body_pose"] += 0.1 * np.random.default_rng(2).normal(size=said["body_pose"].shape)
    store = make_store(tmp_path / "tracked", truth, bodies)
    write_predictions(store, "model", benchmark, said, bodies)
    numbers = evaluate(store, "model", benchmark, bodies).summary["numbers"]
    assert numbers["mpjpe"]["count"] == 16
    assert numbers["acceleration_error"]["count"] == 10
    ratio = numbers["acceleration_error_per_second"]["value"] * 1000 / 25**2
    assert ratio == pytest.approx(numbers["acceleration_error"]["value"])
    del truth["track"]
    store = make_store(tmp_path / "untracked", truth, bodies)
    write_predictions(store, "model", benchmark, said, bodies)
    summary = evaluate(store, "model", benchmark, bodies).summary
    assert sorted(summary["skipped"]) == ["acceleration_error", "acceleration_error_per_second"]
