"""Who is scored: flags, sampling before and after filters, kids, and what the checks took."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet, open_bodies
from ehpsbench.errors import BodyMismatch, InputError
from ehpsbench.evaluation.mesh.rules import MeshProtocol, RowRule, Sampling
from ehpsbench.evaluation.mesh.selection import select
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.schema import nullable

Make = Callable[..., Any]


def rules(name: str, **changes: Any) -> MeshProtocol:
    return protocol(f"{name}@made@test").model_copy(update=changes)


def chosen(people: list[str]) -> list[int]:
    return [int(p.split("/")[-2]) for p in people]


def test_every_100th_annotation_is_counted_from_1_before_any_filter(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    columns = make_people(300)
    columns["source_row"] = np.arange(300) % 250  # two annotation files
    columns["owner_valid"][:99] = False
    gone = np.isin(np.arange(300), [5, 199])  # refused by the checks: still counted
    store = make_store(
        tmp_path,
        {n: v[~gone] for n, v in columns.items()},
        bodies,
        rejects={n: v[gone] for n, v in columns.items()},
    )
    found = select(store, rules("ubody-intra-test"), bodies)
    assert chosen(found.people["instance_id"].to_pylist()) == [99]
    assert found.left_out == {"sampling": 297}
    assert found.removed_by_checks == {"finite": 1}


def test_a_sampled_annotation_that_the_owners_call_invalid_is_not_replaced(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    columns = make_people(200)
    columns["owner_valid"][99] = False
    found = select(make_store(tmp_path, columns, bodies), rules("ubody-intra-test"), bodies)
    assert chosen(found.people["instance_id"].to_pylist()) == [199]
    assert found.left_out == {"sampling": 198, "owner_valid": 1}


def test_sampling_of_people_counts_those_that_are_left(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    columns = make_people(10)
    columns["owner_valid"][:3] = False
    every = Sampling(every=3, counted="people")
    found = select(
        make_store(tmp_path, columns, bodies), rules("agora-val", sampling=every), bodies
    )
    assert chosen(found.people["instance_id"].to_pylist()) == [3, 6, 9]


def test_without_source_rows_annotations_cannot_be_counted(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    columns = make_people(3)
    del columns["source_row"]
    with pytest.raises(InputError, match="have no source_row"):
        select(make_store(tmp_path, columns, bodies), rules("ubody-intra-test"), bodies)


def test_kids_are_scored_on_agora_and_can_be_left_out(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    columns = make_people(4) | {"kid": nullable([0.0, 0.7, 0.0, 0.0], [True, True, True, False])}
    store = make_store(tmp_path, columns, bodies)
    assert select(store, rules("agora-val"), bodies).people.num_rows == 4
    adults = rules("agora-val").rows.model_copy(update={"kids": "exclude"})
    found = select(store, rules("agora-val", rows=adults), bodies)
    assert found.left_out == {"kid": 1}


def test_bodies_of_another_family_and_rows_without_parameters_are_left_out(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    columns = make_people(4)
    columns["source_model"][1] = "smpl"
    columns["global_orient"] = nullable(columns["global_orient"], [True, True, False, True])
    found = select(make_store(tmp_path, columns, bodies), rules("agora-val"), bodies)
    assert found.left_out == {"no global_orient": 1, "source_model": 1}
    assert found.people.num_rows == 2
    assert len(found.split_ids) == 4


def test_a_flag_that_is_null_says_nothing_against_a_person(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    columns = make_people(2)
    columns["owner_valid"] = nullable([True, False], [True, False])
    assert select(make_store(tmp_path, columns, bodies), rules("agora-val"), bodies).left_out == {}


def test_nobody_left_says_why(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    store = make_store(tmp_path, make_people(2), bodies)
    with pytest.raises(
        InputError, match=r"scores nobody: the 2 people .* left out for no vertices_path"
    ):
        select(store, rules("ehf"), bodies)


def test_labels_of_another_body_set_are_refused(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make
) -> None:
    store = make_store(tmp_path, make_people(2), bodies)
    with pytest.raises(BodyMismatch, match="made was ingested with the body set open-small"):
        select(store, rules("agora-val"), open_bodies("full"))


def test_row_rules_have_no_hidden_defaults() -> None:
    assert {n for n, f in RowRule.model_fields.items() if not f.is_required()} == {"labels"}
