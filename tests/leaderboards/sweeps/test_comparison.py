"""Halving beside size and chance: closed forms against all draws there are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.leaderboards.sweeps.comparison import chance_of_all, compared, expected_overlap
from ehpsbench.leaderboards.table import Standings

NAMES = "abcdef"


def ranked(errors: dict[str, float]) -> Standings:
    """Standings of datasets whose every person has the same error: all apart, no ties."""
    people = np.asarray([str(i) for i in range(20)])
    rows = {n: {"ehf": ErrorRows(people, people, np.full(20, e))} for n, e in errors.items()}
    return rank(rows, Board.of("one", "One", {"ehf": "pve"}), samples=20)


@pytest.mark.parametrize("keys", ["000000", "001122", "011112", "543210"])
def test_equal_keys_are_drawn_as_all_draws_together_say(keys: str) -> None:
    key = {name: float(k) for name, k in zip(NAMES, keys, strict=True)}
    border = sorted(key.values())[2]
    draws = [
        set(draw)
        for draw in combinations(NAMES, 3)
        if {n for n in key if key[n] < border} <= set(draw) and all(key[n] <= border for n in draw)
    ]
    wanted = {"a", "d"}
    overlap = np.mean([len(draw & wanted) for draw in draws])
    both = np.mean([wanted <= draw for draw in draws])
    assert expected_overlap(key, 3, wanted) == pytest.approx(overlap)
    assert chance_of_all(key, 3, wanted) == pytest.approx(both)


def test_halving_size_and_chance_stand_beside_the_full_sweep() -> None:
    full = ranked({"a": 50, "b": 60, "c": 70, "d": 80})
    sizes = {"a": 10, "b": 20, "c": 30, "d": 40}
    found = compared(full, ["a", "b", "d", "c"], 2, 2, sizes)
    assert (found.full_order, found.first_ties) == (("a", "b", "c", "d"), ("a",))
    halving, size, random = found.ways
    assert (halving.tau, halving.of_top, halving.holds_first_ties) == (pytest.approx(4 / 6), 2, 1)
    assert (size.tau, size.of_top, size.holds_first_ties) == (-1, 0, 0)
    assert (random.tau, random.of_top, random.holds_first_ties) == (0, 1, 0.5)


def test_sets_of_one_size_are_chosen_by_chance() -> None:
    full = ranked({"a": 50, "b": 60, "c": 70, "d": 80})
    _, size, random = compared(full, "abcd", 2, 1, dict.fromkeys("abcd", 800)).ways
    assert np.isnan(size.tau)
    assert (size.of_top, size.holds_first_ties) == (random.of_top, random.holds_first_ties)
