"""The mean primary error: a plain mean over all benchmarks of a board, or refused."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from ehpsbench.errors import InputError
from ehpsbench.evaluation.results import Result
from ehpsbench.leaderboards.board import Board, board
from ehpsbench.leaderboards.mpe import mean_primary_error

TWO = Board.of("two", "Two", {"ehf": "pve", "pw3d-test": "mpjpe"})


def result(complete: bool = True, **numbers: float | None) -> Result:
    summary: dict[str, Any] = {
        "numbers": {name: {"value": value} for name, value in numbers.items()},
        "protocol_hash": "abc",
        "complete": complete,
    }
    return Result(pa.table({}), summary)


def test_benchmarks_count_alike_and_each_by_its_own_primary_error() -> None:
    found = mean_primary_error(TWO, {"ehf": result(pve=100), "pw3d-test": result(mpjpe=60, pve=1)})
    assert (found.value, found.label, found.missing) == (80, "MPE", ())
    assert found.parts["pw3d-test"] == (60, "abc")


@pytest.mark.parametrize("other", [{}, {"pw3d-test": result(mpjpe=None)}])
def test_a_benchmark_that_is_missing_is_named_and_the_mean_refused(
    other: dict[str, Result],
) -> None:
    given = {"ehf": result(pve=100), **other}
    with pytest.raises(InputError, match="no complete result on pw3d-test"):
        mean_primary_error(TWO, given)
    found = mean_primary_error(TWO, given, partial=True)
    assert (found.value, found.label) == (100, "partial mean over 1 of 2, without pw3d-test")


def test_an_incomplete_result_does_not_count() -> None:
    given = {"ehf": result(pve=100), "pw3d-test": result(complete=False, mpjpe=60)}
    with pytest.raises(InputError, match="pw3d-test"):
        mean_primary_error(TWO, given)


def test_nothing_at_all_has_no_partial_mean_either() -> None:
    with pytest.raises(InputError, match="ehf, pw3d-test"):
        mean_primary_error(TWO, {}, partial=True)


def test_the_hand_board_counts_hands_where_they_are_labelled() -> None:
    hands = board("ehps-hands")
    assert {b.primary for b in hands.benchmarks} == {"pve_hands"}
    assert set(board("ehps-five").ids) - set(hands.ids) == {"pw3d-test"}
