"""Rungs are whole batches; who cannot reach the top stops, whoever might goes on."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from ehpsbench.errors import InputError
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.leaderboards.sweeps.halving import RUNGS, _places, rung_samples
from ehpsbench.leaderboards.table import Standings


def ranked(errors: dict[str, float], noise: float) -> Standings:
    rng = np.random.default_rng(1)
    people = np.asarray([str(i) for i in range(30)])
    rows = {
        n: {"ehf": ErrorRows(people, people, e + noise * rng.standard_normal(30))}
        for n, e in errors.items()
    }
    return rank(rows, Board.of("one", "One", {"ehf": "pve"}), samples=2000)


def test_rungs_end_with_batches_and_at_the_budget() -> None:
    assert rung_samples(RUNGS, 12000, 48) == (1200, 3600, 7200, 12000)
    assert rung_samples([0.1, 0.5], 100, 16) == (16, 64, 100)
    assert rung_samples([0.01, 0.02, 1], 100, 16) == (16, 100)


@pytest.mark.parametrize("shares", [[], [0.5, 0.1], [0, 1], [0.5, 1.5]])
def test_rungs_that_do_not_rise_are_refused(shares: list[float]) -> None:
    with pytest.raises(InputError, match="rising shares"):
        rung_samples(shares, 100, 10)


def test_those_stop_that_are_hardly_ever_among_the_top() -> None:
    found = ranked({"best": 50, "near": 50.5, "also": 51, "worst": 80}, noise=5)
    places = {p.name: p for p in _places(found, 100, 1, last=False)}
    assert [name for name, p in places.items() if p.stopped] == ["worst"]
    assert places["worst"].why == "among the top 1 in 0.0 % of the resamples, less than 5 %"
    assert not any(p.stopped for p in _places(found, 100, 4, last=False))


@pytest.mark.parametrize(("chance", "stops"), [(0.1, False), (0.035, True)])
def test_one_in_twenty_is_the_least_chance_of_the_top(chance: float, stops: bool) -> None:
    people = np.asarray([str(i) for i in range(30)])
    normal = NormalDist(sigma=5)
    spread = np.asarray([normal.inv_cdf((i + 0.5) / 30) for i in range(30)])
    gap = -NormalDist(sigma=spread.std() / 30**0.5).inv_cdf(chance)  # of a mean of thirty
    errors = {"best": np.zeros(30), "other": gap + spread}
    rows = {name: {"ehf": ErrorRows(people, people, error)} for name, error in errors.items()}
    found = rank(rows, Board.of("one", "One", {"ehf": "pve"}), samples=4000)
    [_, other] = found.rows
    assert other.within == pytest.approx((chance, 1.0), abs=0.01)
    assert other.mpe.rank_low == 1  # an end of a 95 % interval would let it run on
    assert [p.stopped for p in _places(found, 100, 1, last=False)] == [False, stops]


def test_nobody_stops_at_the_end() -> None:
    places = _places(ranked({"a": 50, "b": 80, "c": 90}, noise=0), 100, 1, last=True)
    assert [(p.name, p.stopped) for p in places] == [("a", False), ("b", False), ("c", False)]
