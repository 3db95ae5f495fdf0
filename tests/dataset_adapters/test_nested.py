"""Lists of JSON become arrays as NumPy makes them, only sooner."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ehpsbench.dataset_adapters.nested import AT_ONCE, array_of

LEAVES = st.one_of(
    st.floats(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([None, True, "", "1.5", "nan", "ab", {}, {"a": 1.0}, 10**400]),
)
LISTS = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3), max_leaves=20)


def _outcome(make: Any, rows: Any) -> Any:
    try:
        found = make(rows)
    except (ValueError, TypeError, OverflowError) as error:
        return type(error)
    return found.shape, found.dtype, found.tobytes()


@settings(max_examples=400, deadline=None)
@given(LISTS)
@example([[], ""])
@example([["ab"], "a"])
@example([[1.0, 2.0], {"a": 1, "b": 2}])
def test_whatever_json_has_becomes_what_numpy_makes_of_it(rows: Any) -> None:
    assert _outcome(array_of, rows) == _outcome(lambda r: np.asarray(r, np.float64), rows)


@pytest.mark.parametrize("shape", [(0,), (7,), (5, 0), (AT_ONCE + 1,), (AT_ONCE // 6 + 2, 2, 3)])
def test_a_table_of_any_length_is_whole(shape: tuple[int, ...]) -> None:
    expected = np.random.default_rng(0).normal(size=shape)
    np.testing.assert_array_equal(array_of(expected.tolist()), expected)


@pytest.mark.parametrize("late", [[1.0, 2.0], [1.0, 2.0, "x"], "abc", 1.0])
def test_a_late_row_of_another_shape_is_refused(late: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        array_of([*([[0.0, 1.0, 2.0]] * AT_ONCE), late])
