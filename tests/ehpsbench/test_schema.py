from __future__ import annotations

import numpy as np
import pytest

from ehpsbench.errors import InputError
from ehpsbench.schema import (
    COLUMNS,
    IMAGE_COLUMNS,
    IMAGES,
    INSTANCES,
    Instances,
    from_arrow,
    nullable,
    present,
)


def test_every_column_once_and_every_physical_one_with_a_unit() -> None:
    for columns in (COLUMNS, IMAGE_COLUMNS):
        names = [c.name for c in columns]
        assert len(set(names)) == len(names)
    assert {c.unit for c in COLUMNS if "pose" in c.name or "orient" in c.name} == {"rad", ""}
    assert {c.unit for c in COLUMNS if c.name.endswith(("transl", "translation"))} == {"m"}


def test_columns_that_are_not_given_are_null_in_every_row() -> None:
    table = Instances({"frame": np.array([1, 2])}).to_arrow()
    assert table.schema.equals(INSTANCES)
    assert table["betas"].null_count == 2
    assert Instances({}).images_to_arrow().schema.equals(IMAGES)


def test_a_masked_row_is_null_and_a_nan_row_is_not() -> None:
    betas = np.zeros((3, 16))
    betas[1] = np.nan
    table = Instances({"betas": nullable(betas, [True, True, False])}).to_arrow()
    assert [value is None for value in table["betas"].to_pylist()] == [False, False, True]


def test_columns_survive_the_way_through_arrow() -> None:
    columns = {
        "instance_id": np.array(["a", "b"], object),
        "subject": np.array([None, "s"], object),
        "transl": nullable(np.arange(6.0).reshape(2, 3), [False, True]),
        "owner_valid": np.array([True, False]),
        "occlusion": nullable(np.array([0.5, 0.25]), [True, False]),
        "betas_more": np.array([[1.0, 2.0], None], object),
    }
    back = from_arrow(Instances(columns).to_arrow())
    assert back["instance_id"].tolist() == ["a", "b"]
    assert back["subject"].tolist() == [None, "s"]
    assert present(back["transl"]).tolist() == [False, True]
    np.testing.assert_array_equal(back["transl"][1], [3, 4, 5])
    assert back["owner_valid"].tolist() == [True, False]
    assert back["occlusion"].tolist() == [0.5, None]
    assert back["betas_more"].tolist() == [[1.0, 2.0], None]
    assert "betas" not in back


def test_a_table_of_no_people_keeps_its_columns() -> None:
    assert Instances({}).to_arrow().num_rows == 0
    assert from_arrow(Instances({}).to_arrow())["betas"].shape == (0, 16)


def test_an_unknown_column_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="beta_s"):
        Instances({"beta_s": np.zeros((1, 16))}).to_arrow()


def test_a_vector_of_the_wrong_width_is_refused_with_both_shapes() -> None:
    with pytest.raises(InputError, match=r"'betas' must have shape \(N, 16\), got \(1, 10\)"):
        Instances({"betas": np.zeros((1, 10))}).to_arrow()


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="equal lengths"):
        Instances({"frame": np.array([1]), "person": np.array(["a", "b"])}).to_arrow()
