"""A set whose seeds spread far more than the others' has its own luck; the rest share one pool."""

from __future__ import annotations

import numpy as np
import pytest

from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.luck import own_luck, pooled_luck, seed_deviations, wild
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.leaderboards.table import Standings

BENCHMARKS = 2


def seeds_of(spread: float, rng: np.random.Generator, count: int = 3) -> np.ndarray:
    """(count, 2) errors of seeds; a seed is as lucky on both benchmarks."""
    return 200 + rng.normal(0, spread, (count, 1)) + np.zeros((1, BENCHMARKS))


def tables(odd: float, count: int) -> list[frozenset[str]]:
    rng = np.random.default_rng(5)
    names = [f"set-{i}" for i in range(9)]
    return [
        wild({name: seeds_of(odd if name == "set-8" else 2.0, rng) for name in names})
        for _ in range(count)
    ]


def test_equal_sets_are_called_wild_once_in_a_hundred_tables() -> None:
    found = [bool(one) for one in tables(2.0, 600)]
    assert 0.001 < np.mean(found) < 0.025


def test_a_set_with_ten_times_the_luck_is_mostly_found_and_mostly_alone() -> None:
    found = tables(20.0, 100)
    assert np.mean([one == {"set-8"} for one in found]) > 0.85


def test_the_unit_of_a_benchmark_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    errors = {f"set-{i}": seeds_of(40.0 if i == 4 else 2.0, rng) for i in range(8)}
    scaled = {name: values * np.array([1.0, 1e-3]) for name, values in errors.items()}
    assert wild(errors) == wild(scaled) == {"set-4"}


def test_two_sets_of_two_seeds_say_too_little() -> None:
    errors = {"a": np.array([[100.0], [100.1]]), "b": np.array([[100.0], [180.0]])}
    assert wild(errors) == frozenset()
    assert wild({}) == frozenset()


def test_equal_seeds_of_all_sets_are_not_wild() -> None:
    assert wild({name: np.full((3, 2), 100.0) for name in "abcdef"}) == frozenset()


def test_own_luck_is_students_t_of_the_mean() -> None:
    errors = np.array([190.0, 200.0, 222.0])
    deviations = np.tile(seed_deviations(errors[None]), (400_000, 1))
    drawn = own_luck(deviations, np.random.default_rng(0))
    half_width = 4.303 * errors.std(ddof=1) / np.sqrt(3)  # t of 2 degrees, 97.5 %
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx([-half_width, half_width], rel=0.03)


def test_pooled_luck_has_the_variance_of_a_mean_of_seeds() -> None:
    rng = np.random.default_rng(1)
    pool = np.tile(rng.normal(0, 3.0, 60), (100_000, 1))
    drawn = pooled_luck(pool, 4, rng)
    assert drawn.std() == pytest.approx(pool[0].std() / 2, rel=0.02)


def table(unlucky: float) -> Standings:
    """Seven sets, three seeds; one seed of the last is so far off; no noise of recordings."""
    rng = np.random.default_rng(11)
    people = np.array([f"p{i:03d}" for i in range(40)])
    clusters = np.array([f"c{i // 2:02d}" for i in range(40)])
    rows: dict[str, dict[str, ErrorRows]] = {}
    for which in range(7):
        for seed in range(3):
            error = 200 + which + rng.normal(0, 1.0) + unlucky * (which == 6 and seed == 0)
            column = ErrorRows(people, clusters, np.full(40, error))
            rows[f"{which}--{seed}"] = {"b": column}
    entrants = {entry: Entrant(entry.split("--")[0]) for entry in rows}
    return rank(rows, Board.of("b", "B", {"b": "pve"}), entrants=entrants)


def test_one_wild_set_reaches_the_top_and_leaves_the_others_apart() -> None:
    found = table(40.0)
    odd = found.row("6")
    assert odd.mpe.rank_low == 1
    assert "its seeds spread far more than the others'" in " ".join(odd.marks)
    widths = [row.mpe.high - row.mpe.low for row in found.rows if row.name != "6"]
    calm = table(0.0)
    assert widths == pytest.approx(
        [row.mpe.high - row.mpe.low for row in calm.rows if row.name != "6"], rel=0.25
    )
    assert all("spread far more" not in " ".join(row.marks) for row in calm.rows)
