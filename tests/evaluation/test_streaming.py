"""Labels and predictions are read a few people at a time: many need little more than few."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.errors import InputError
from ehpsbench.evaluation import predictions
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.mesh.rules import mesh_protocol
from ehpsbench.evaluation.mesh.selection import NEEDED, all_labels, labels, select
from ehpsbench.evaluation.plausible import Units, refuse_wrong_units
from ehpsbench.evaluation.predictions import (
    parameters,
    predictions_path,
    read_batches,
    read_predictions,
    write_predictions,
)
from ehpsbench.evaluation.spooled import spooled
from ehpsbench.store import Store

Make = Callable[..., Any]
AGORA = "agora-val@made@test"
FEW = 16


@pytest.fixture
def made(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bodies: BodySet,
    make_people: Make,
    make_store: Make,
    repeat_truth: Make,
) -> Callable[[int], Store]:
    """Makes a store of so many people, predicted in another order, of whom 16 are read at once."""
    monkeypatch.setattr(predictions, "BATCH", FEW)
    monkeypatch.setattr(Store.batches, "__defaults__", (FEW,))

    def make(count: int) -> Store:
        truth = make_people(count)
        store: Store = make_store(tmp_path / str(count), truth, bodies)
        for path in store.parts("instances", "made"):
            pq.write_table(pq.read_table(path, partitioning=None), path, row_group_size=FEW)
        order = np.random.default_rng(0).permutation(count)
        said = {name: values[order] for name, values in repeat_truth(truth).items()}
        write_predictions(store, "model", AGORA, said, bodies)
        return store

    return make


def arrow_bytes(work: Callable[[], object]) -> int:
    """What Arrow held at most."""
    usual = pa.default_memory_pool()
    counted = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(counted)
    try:
        work()
        return counted.max_memory()
    finally:
        pa.set_memory_pool(usual)


@pytest.mark.parametrize("from_file", [False, True])
def test_a_person_more_costs_its_id_and_errors_not_its_labels_and_predictions(
    made: Callable[[int], Store], bodies: BodySet, from_file: bool
) -> None:
    used = {}
    for count in (2 * FEW, 10 * FEW):
        store = made(count)
        file = predictions_path(store, "model", AGORA) if from_file else None
        entry = "copy" if from_file else "model"
        used[count] = arrow_bytes(
            lambda at=store, who=entry, path=file: evaluate(
                at, who, AGORA, bodies, predictions=path
            )
        )
    row = store.instances("made", columns=NEEDED).nbytes / (10 * FEW)
    assert (used[10 * FEW] - used[2 * FEW]) / (8 * FEW) < row / 3


def test_labels_come_a_few_at_a_time_and_are_those_of_the_selected_people(
    made: Callable[[int], Store], bodies: BodySet
) -> None:
    store, rules = made(40), mesh_protocol(AGORA)
    selection = select(store, rules, bodies)
    assert [table.num_rows for table in labels(store, rules, selection)] == [16, 16, 8]
    whole = store.instances("made", "test", NEEDED)
    assert all_labels(store, rules, selection).to_pylist() == whole.to_pylist()


def test_predictions_are_read_back_by_row_in_any_order(
    tmp_path: Path, made: Callable[[int], Store], bodies: BodySet
) -> None:
    path = predictions_path(made(40), "model", AGORA)
    whole = parameters(pa.concat_tables(read_batches(path)))
    rows = np.array([39, 3, 4, 5, 0, 17])
    with spooled(read_batches(path), tmp_path, "here") as said:
        found = said.read(rows)
        assert said.read(rows[:0])["betas"].shape == (0, 10)
        assert len(said.ids) == 40
    assert set(found) == set(whole)
    assert all(np.array_equal(found[name], whole[name][rows]) for name in whole)
    assert [p.name for p in tmp_path.iterdir()] == ["40"]


def test_what_is_wrong_in_a_late_row_is_refused_as_in_the_first(
    tmp_path: Path, made: Callable[[int], Store], bodies: BodySet
) -> None:
    store = made(40)
    table = read_predictions(store, "model", AGORA)
    twice = pa.concat_tables([table, table.slice(0, 1)])
    path = tmp_path / "twice.parquet"
    pq.write_table(twice, path)
    with pytest.raises(InputError, match="1 people are there twice"):
        evaluate(store, "other", AGORA, bodies, predictions=path)
    assert not (store.predictions / "other").exists()


def test_degrees_are_seen_in_all_rows_together_not_in_a_single_one() -> None:
    people = np.zeros((100, 63))
    people[7] = 30.0
    refuse_wrong_units({"body_pose": people}, "here")
    units = Units()
    for part in np.split(np.where(np.arange(100)[:, None] < 6, 30.0, people), 10):
        units.add({"body_pose": part})
    with pytest.raises(InputError, match="joints of body_pose turn by 52 rad"):
        units.refuse("here")
