"""Predictions files: what is accepted, and what is refused in which words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ehpsbench.body.bodies import BodySet, open_bodies
from ehpsbench.errors import BodyMismatch, InputError
from ehpsbench.evaluation.predictions import (
    parameters,
    predictions_path,
    read_predictions,
    write_predictions,
)
from ehpsbench.store import Store


@pytest.fixture
def columns(make_people: Callable[..., Any], repeat_truth: Callable[..., Any]) -> dict[str, Any]:
    found: dict[str, Any] = repeat_truth(make_people(4))
    return found


def test_what_is_written_comes_back_in_float32(
    tmp_path: Path, columns: dict[str, Any], bodies: BodySet
) -> None:
    store = Store(tmp_path)
    write_predictions(store, "model", "ehf", columns, bodies)
    table = read_predictions(store, "model", "ehf", bodies)
    assert table["instance_id"].to_pylist() == columns["instance_id"].tolist()
    found = parameters(table)
    np.testing.assert_array_equal(found["body_pose"], columns["body_pose"].astype(np.float32))
    assert found["leye_pose"].tolist() == [[0, 0, 0]] * 4


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused_with_its_person(
    tmp_path: Path, columns: dict[str, Any], bodies: BodySet, bad: float
) -> None:
    columns["body_pose"][2, 7] = bad
    with pytest.raises(InputError, match=r"body_pose of made/test/scene/0/2/0 is not finite"):
        write_predictions(Store(tmp_path), "model", "ehf", columns, bodies)
    assert not (tmp_path / "predictions" / "model").exists()


def test_a_person_twice_is_refused(
    tmp_path: Path, columns: dict[str, Any], bodies: BodySet
) -> None:
    columns["instance_id"][3] = columns["instance_id"][0]
    with pytest.raises(InputError, match="1 people are there twice, for example made/test"):
        write_predictions(Store(tmp_path), "model", "ehf", columns, bodies)


def test_unknown_columns_and_wrong_sizes_are_refused(
    tmp_path: Path, columns: dict[str, Any], bodies: BodySet
) -> None:
    with pytest.raises(InputError, match=r"unknown columns pose"):
        write_predictions(Store(tmp_path), "m", "ehf", {**columns, "pose": np.ones(4)}, bodies)
    with pytest.raises(InputError, match="'betas' must have shape"):
        write_predictions(
            Store(tmp_path), "m", "ehf", {**columns, "betas": np.ones((4, 16))}, bodies
        )


def test_columns_that_must_be_there_are_named(
    tmp_path: Path, columns: dict[str, Any], bodies: BodySet
) -> None:
    del columns["betas"]
    with pytest.raises(InputError, match="betas missing"):
        write_predictions(Store(tmp_path), "model", "ehf", columns, bodies)


def test_a_file_made_elsewhere_may_use_other_list_types_and_leave_columns_out(
    tmp_path: Path, columns: dict[str, Any], bodies: BodySet
) -> None:
    path = elsewhere(tmp_path, columns, bodies.model("smplx").hash)
    found = parameters(read_predictions(Store(tmp_path), "model", "ehf", bodies))
    np.testing.assert_allclose(found["betas"], columns["betas"], rtol=1e-6)
    assert not found["left_hand_pose"].any()
    assert path.is_file()


def elsewhere(root: Path, columns: dict[str, Any], body: str, **more: Any) -> Path:
    """A predictions file as somebody's own script might write it: float64, plain lists."""
    names = ("instance_id", "global_orient", "body_pose", "betas")
    table = pa.table({n: columns[n].tolist() for n in names} | more)
    path = predictions_path(Store(root), "model", "ehf")
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"ehpsbench.body_hash": body} if body else None
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


def test_a_list_of_the_wrong_length_in_a_file_is_refused(
    tmp_path: Path, columns: dict[str, Any], bodies: BodySet
) -> None:
    columns["body_pose"] = columns["body_pose"][:, :60]
    elsewhere(tmp_path, columns, bodies.model("smplx").hash)
    with pytest.raises(InputError, match="column 'body_pose' must be"):
        read_predictions(Store(tmp_path), "model", "ehf", bodies)


def test_parameters_of_another_body_or_of_none_named_are_refused(
    tmp_path: Path, columns: dict[str, Any], bodies: BodySet
) -> None:
    elsewhere(tmp_path, columns, open_bodies("full").model("smplx").hash)
    with pytest.raises(BodyMismatch, match="do not carry over"):
        read_predictions(Store(tmp_path), "model", "ehf", bodies)
    elsewhere(tmp_path, columns, "")
    with pytest.raises(BodyMismatch, match="does not say which body"):
        read_predictions(Store(tmp_path), "model", "ehf", bodies)


def test_files_that_are_missing_or_no_parquet_or_have_odd_columns_say_so(
    tmp_path: Path, columns: dict[str, Any], bodies: BodySet
) -> None:
    store = Store(tmp_path)
    with pytest.raises(InputError, match="no predictions of model on ehf"):
        read_predictions(store, "model", "ehf")
    path = elsewhere(tmp_path, columns, "", pose=[1] * 4)
    with pytest.raises(InputError, match="unknown columns"):
        read_predictions(store, "model", "ehf")
    path.write_bytes(b"not parquet")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_predictions(store, "model", "ehf")


def test_a_name_that_would_leave_the_store_is_refused(tmp_path: Path) -> None:
    for name in ("../x", "a/b", "", ".hidden"):
        with pytest.raises(InputError, match="cannot name a file"):
            predictions_path(Store(tmp_path), name, "ehf")
