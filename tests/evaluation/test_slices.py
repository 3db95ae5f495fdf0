"""Slices: every person in one part of each, and the parts' means make the whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.evaluation.numbers import Number, of_values
from ehpsbench.evaluation.slices import slices

Make = Callable[..., Any]


def mean_pve(rows: pa.Table) -> Number:
    return of_values(rows, ["pve"])["pve"]


@pytest.fixture
def found(tmp_path: Path, make_people: Make, make_store: Make, bodies: BodySet) -> Any:
    truth = make_people(60)
    truth["occlusion"] = np.linspace(0, 1, 60)
    truth["bbox"] = np.array([[0, 0, 20.0, 10.0 * i + 5] for i in range(60)])
    truth["gender"] = np.array(["female", "male", "neutral"] * 20, object)
    turned = np.zeros((60, 21, 3))
    turned[:40, 3, 0] = 1.5  # forty people bend a knee
    truth["body_pose"] = turned.reshape(60, 63) + 0.01 * truth["body_pose"]
    store = make_store(tmp_path, truth, bodies)
    errors = np.random.default_rng(0).normal(100, 10, 60)
    clusters = [f"video-{i // 4}" for i in range(60)]
    rows = pa.table({"instance_id": truth["instance_id"], "cluster": clusters, "pve": errors})
    shuffled = rows.take(pa.array(np.random.default_rng(1).permutation(60)))
    return slices(store, "made", "test", shuffled, mean_pve, bodies=bodies), errors


def test_the_parts_of_a_slice_hold_everybody_once(found: Any) -> None:
    by, errors = found
    assert set(by) == {"occlusion", "truncation", "gender", "size", "pose"}
    for parts in by.values():
        assert sum(n.count for n in parts.values()) == 60
        whole = sum(n.value * n.count for n in parts.values()) / 60
        assert whole == pytest.approx(errors.mean())


def test_parts_are_those_that_their_names_say(found: Any) -> None:
    by, errors = found
    assert list(by["size"]) == ["under 100 px", "100 to 200 px", "200 to 400 px", "400 px and more"]
    assert by["occlusion"]["50 % and more"].value == pytest.approx(errors[30:].mean())
    assert by["gender"]["male"].value == pytest.approx(errors[1::3].mean())


def test_pose_clusters_part_those_who_bend_a_knee_from_those_who_do_not(found: Any) -> None:
    by, _ = found
    members = [int(name.rsplit("/", 2)[-2]) for name in by["pose"]]
    assert all(name.startswith(f"pose {i}, like ") for i, name in enumerate(by["pose"], 1))
    assert {m < 40 for m in members} == {True, False}
