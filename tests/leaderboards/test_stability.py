"""Ranks without one benchmark, and means without those that a set was trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.ranking import rank

THREE = Board.of("three", "Three", {"a": "pve", "b": "pve", "c": "mpjpe"})


def rows(errors: Sequence[float | None]) -> dict[str, ErrorRows]:
    """The same error for each of 30 people of the benchmarks a, b, c."""
    people = np.array([f"p{i:02d}" for i in range(30)])
    return {
        b: ErrorRows(people, people, np.full(30, float(e)))
        for b, e in zip("abc", errors, strict=True)
        if e is not None
    }


FOUND = {"x": rows((10, 50, 60)), "y": rows((40, 40, 50)), "z": rows((60, 60, 40))}


def test_the_rank_without_a_benchmark_is_that_of_the_mean_of_the_others() -> None:
    standings = rank(FOUND, THREE, samples=10)
    assert [r.name for r in standings.rows] == ["x", "y", "z"]  # 40, 43.3, 53.3
    # without a: 55, 45, 50; without b: 35, 45, 50; without c: 30, 40, 60
    assert standings.row("x").rank_without == {"a": 3, "b": 1, "c": 1}
    assert standings.row("y").rank_without == {"a": 1, "b": 2, "c": 2}
    assert standings.row("z").rank_without == {"a": 2, "b": 3, "c": 3}
    assert standings.row("x").rank_range == (1, 3)


def test_agreement_is_kendalls_tau_of_the_two_orders() -> None:
    # without a: y z x instead of x y z: one pair of three agrees
    assert rank(FOUND, THREE, samples=10).agreement == {
        "a": pytest.approx(-1 / 3),
        "b": 1.0,
        "c": 1.0,
    }


def test_sets_that_tie_without_a_benchmark_share_the_better_rank() -> None:
    found = rank({"x": rows((1, 5, 5)), "y": rows((2, 5, 5))}, THREE, samples=10)
    assert [r.rank_without["a"] for r in found.rows] == [1, 1]


def test_who_lacks_a_benchmark_takes_no_part() -> None:
    found = rank(FOUND | {"w": rows((1, 1, None))}, THREE, samples=10)
    assert found.row("w").rank_without == {}
    assert found.row("w").rank_range is None
    assert found.row("x").rank_without == {"a": 3, "b": 1, "c": 1}


def test_a_board_of_one_benchmark_has_none_to_leave_out() -> None:
    one = Board.of("one", "One", {"a": "pve"})
    found = rank({n: {"a": r["a"]} for n, r in FOUND.items()}, one, samples=10)
    assert (found.agreement, found.rows[0].rank_range) == ({}, None)


def test_the_mean_out_of_domain_leaves_out_what_trained_the_set_and_is_not_ranked() -> None:
    entrants = {"x": Entrant("x", frozenset({"a"}))}
    found = rank(FOUND, THREE, entrants=entrants, samples=10)
    x, y = found.row("x").out_of_domain, found.row("y").out_of_domain
    assert (x.mean, x.low, x.high, x.rank) == (55, 55, 55, None)
    assert y.mean == found.row("y").mpe.mean


def test_it_is_there_though_the_benchmark_of_its_own_is_missing() -> None:
    entrants = {"w": Entrant("w", frozenset({"c"})), "v": Entrant("v", frozenset("abc"))}
    found = rank(
        {"w": rows((10, 20, None)), "v": rows((1, 1, 1))}, THREE, entrants=entrants, samples=10
    )
    assert found.row("w").out_of_domain.mean == 15
    assert math.isnan(found.row("v").out_of_domain.mean)


def test_its_interval_is_that_of_a_board_of_the_other_benchmarks() -> None:
    rng = np.random.default_rng(0)
    people = np.array([f"p{i:02d}" for i in range(30)])
    found = {"x": {b: ErrorRows(people, people, rng.normal(100, 10, 30)) for b in "abc"}}
    whole = rank(found, THREE, entrants={"x": Entrant("x", frozenset({"a"}))}, samples=500)
    two = Board.of("two", "Two", {"b": "pve", "c": "mpjpe"})
    other = rank({"x": {b: found["x"][b] for b in "bc"}}, two, samples=500).row("x").mpe
    value = whole.row("x").out_of_domain
    assert (value.mean, value.low, value.high) == pytest.approx((other.mean, other.low, other.high))
