"""People whose truth is known, in a store of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.dataset_adapters.identity import image_identity, person_identity, repeat
from ehpsbench.evaluation.protocol import rules_then
from ehpsbench.evaluation.recomputed import differences
from ehpsbench.evaluation.results import Result
from ehpsbench.evaluation.stored import statistics
from ehpsbench.schema import INSTANCES, SCHEMA_VERSION, Columns, to_arrow
from ehpsbench.staging import REJECTS
from ehpsbench.store import Store

FLAGS = ("owner", "body", "left_hand", "right_hand", "face", "camera", "shape")


def people(count: int, seed: int = 0, family: str = "smplx") -> dict[str, Any]:
    """Columns of people who stand 4 m before a camera, all valid, two to a cluster."""
    rng = np.random.default_rng(seed)
    images = image_identity(
        "made",
        "test",
        ["scene"] * count,
        ["0"] * count,
        range(count),
        [i // 2 for i in range(count)],
    )
    columns: dict[str, Any] = dict(person_identity(images, np.arange(count), ["0"] * count))
    sizes = {"global_orient": 3, "body_pose": 63, "left_hand_pose": 45, "right_hand_pose": 45}
    sizes |= {"jaw_pose": 3, "expression": 10} if family == "smplx" else {}
    columns |= {n: 0.2 * rng.normal(size=(count, k)) for n, k in sizes.items()}
    columns["global_orient"] = columns["global_orient"] + [np.pi, 0, 0]
    columns["betas"] = np.pad(rng.normal(size=(count, 10)), ((0, 0), (0, 6)))
    columns["transl"] = np.tile([0.0, 0.0, 4.0], (count, 1)) + 0.1 * rng.normal(size=(count, 3))
    columns |= {"source_model": repeat(family, count), "gender": repeat("neutral", count)}
    columns |= {f"{flag}_valid": np.ones(count, bool) for flag in FLAGS}
    columns |= {"width": np.full(count, 640), "height": np.full(count, 480)}
    columns |= {
        "focal": np.full((count, 2), 600.0),
        "principal_point": np.tile([320.0, 240.0], (count, 1)),
        "source_row": np.arange(count),
    }
    return columns


def stored(
    root: Path,
    columns: Columns,
    bodies: BodySet,
    dataset: str = "made",
    rejects: Columns | None = None,
) -> Store:
    """A store that holds these people as the split `test` of a dataset."""
    store = Store(root)
    folder = store.folder("instances", dataset)
    (folder / "test").mkdir(parents=True)
    pq.write_table(to_arrow(columns, INSTANCES), folder / "test" / "part-00000.parquet")
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "dataset": dataset,
        "source_dataset": dataset,
        "rejects": {},
        "release_root": str(root),
        "body_set": {"id": bodies.id, "name": bodies.name},
        "fingerprint": "made",
        "splits": {"test": {"instances_parts": ["test/part-00000.parquet"], "images_parts": []}},
    }
    store.manifest_path(dataset).write_text(json.dumps(manifest))
    store.rejects_path(dataset).parent.mkdir(exist_ok=True)
    pq.write_table(_rejects(rejects), store.rejects_path(dataset))
    return store


def _rejects(columns: Columns | None) -> pa.Table:
    if columns is None:
        return REJECTS.empty_table()
    table = to_arrow(columns, INSTANCES)
    rule = pa.array(["finite"] * table.num_rows)
    value = pa.nulls(table.num_rows, pa.float64())
    return pa.Table.from_arrays([rule, rule, value, rule, *table.columns], schema=REJECTS)


def said(columns: Columns) -> dict[str, Any]:
    """Predictions that repeat the truth."""
    names = ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose", "transl")
    extra = tuple(n for n in ("jaw_pose", "expression") if n in columns)
    found = {n: np.array(columns[n], float) for n in ("instance_id", *names, *extra)[1:]}
    ids = np.array(columns["instance_id"], object)
    return {"instance_id": ids, "betas": np.array(columns["betas"][:, :10]), **found}


def remade(result: Result) -> None:
    """All numbers of a result follow from its stored rows; those without a value say why."""
    found = {}
    for one in statistics(rules_then(result.summary), result.rows):
        found |= one.numbers()
        weights = np.ones((2, result.rows.num_rows))
        index = np.arange(result.rows.num_rows) // 2
        grouped = one.grouped(index).numbers(np.ones(int(index.max()) + 1))
        for name, value in one.numbers(weights).items():
            np.testing.assert_allclose(value, found[name], rtol=1e-9)
            np.testing.assert_allclose(grouped[name], found[name], rtol=1e-9)
    for name, number in result.summary["numbers"].items():
        value = np.nan if number["value"] is None else number["value"]
        assert found[name] == pytest.approx(value, rel=1e-9, nan_ok=True), name
    assert differences(result.rows, result.summary) == []
    absent = {n for n, number in result.summary["numbers"].items() if number["value"] is None}
    assert absent == set(result.summary["skipped"]) & set(result.summary["numbers"])


@pytest.fixture(scope="session")
def make_again() -> Callable[[Result], None]:
    """`remade`."""
    return remade


@pytest.fixture(scope="session")
def make_people() -> Callable[..., dict[str, Any]]:
    """`people`."""
    return people


@pytest.fixture(scope="session")
def make_store() -> Callable[..., Store]:
    """`stored`."""
    return stored


@pytest.fixture(scope="session")
def repeat_truth() -> Callable[[Columns], dict[str, Any]]:
    """`said`."""
    return said
