"""The whole ranking once more, in plain loops that share nothing with it but the rules."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest

from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.leaderboards.table import Standings

BOARD = Board.of("two", "Two", {"one": "pve", "other": "mpjpe"})
CLUSTERS = {"one": (9, 1, 5, 2, 7, 4, 3), "other": (2, 8, 3, 3, 6)}  # people in each
SEEDS = {"a": 2, "b": 3, "c": 1, "model": 1}  # the model is not trained here
DRAWS = 4000

Errors = dict[str, dict[str, list[list[float]]]]  # entry → benchmark → cluster → people


def made() -> Errors:
    """Errors with hard clusters, luck that seeds keep over benchmarks, and noise of people."""
    rng = random.Random(3)
    hard = {b: [rng.gauss(0, 12) for _ in sizes] for b, sizes in CLUSTERS.items()}
    level = {"a": 100.0, "b": 103.0, "c": 106.0, "model": 125.0}
    found: Errors = {}
    for name, seeds in SEEDS.items():
        for seed in range(seeds):
            luck = rng.gauss(0, 3)
            found[f"{name}--s{seed}"] = {
                b: [
                    [level[name] + luck + h + rng.gauss(0, 6) for _ in range(size)]
                    for h, size in zip(hard[b], sizes, strict=True)
                ]
                for b, sizes in CLUSTERS.items()
            }
    return found


def mean_over_people(clusters: list[list[float]], drawn: list[int]) -> float:
    people = [error for number in drawn for error in clusters[number]]
    return sum(people) / len(people)


def resample(errors: Errors, rng: random.Random) -> dict[str, float]:
    """One draw of the bootstrap: the MPE of every group."""
    mean: dict[str, dict[str, float]] = {entry: {} for entry in errors}
    for benchmark, sizes in CLUSTERS.items():
        drawn = [rng.randrange(len(sizes)) for _ in range(len(sizes) - 1)]
        for entry in errors:
            mean[entry][benchmark] = mean_over_people(errors[entry][benchmark], drawn)
    members = {g: [f"{g}--s{i}" for i in range(n)] for g, n in SEEDS.items()}
    pool = []  # of single seeds: how far each is off its set, on both benchmarks
    for own in members.values():
        if len(own) > 1:
            scale = math.sqrt(len(own) / (len(own) - 1))
            for entry in own:
                pool.append(
                    {
                        b: scale * (mean[entry][b] - sum(mean[e][b] for e in own) / len(own))
                        for b in CLUSTERS
                    }
                )
    mpe = {}
    for group, own in members.items():
        luck = [rng.choice(pool) for _ in own] if group != "model" else []
        total = 0.0
        for benchmark in CLUSTERS:
            total += sum(mean[e][benchmark] for e in own) / len(own)
            total += sum(one[benchmark] for one in luck) / len(own)
        mpe[group] = total / len(CLUSTERS)
    return mpe


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def placed(mpe: Mapping[str, float]) -> dict[str, int]:
    return {g: 1 + sum(other < own for other in mpe.values()) for g, own in mpe.items()}


@pytest.fixture(scope="module")
def errors() -> Errors:
    return made()


@pytest.fixture(scope="module")
def found(errors: Errors) -> Standings:
    rows = {
        entry: {
            b: ErrorRows(
                np.array([f"p{i}-{j}" for i, c in enumerate(own[b]) for j in range(len(c))]),
                np.array([f"v{i}" for i, c in enumerate(own[b]) for _ in c]),
                np.array([e for c in own[b] for e in c]),
            )
            for b in CLUSTERS
        }
        for entry, own in errors.items()
    }
    entrants = {e: Entrant(e.split("--")[0], cell=not e.startswith("model")) for e in rows}
    return rank(rows, BOARD, entrants=entrants, samples=20_000)


@pytest.fixture(scope="module")
def draws(errors: Errors) -> list[dict[str, float]]:
    rng = random.Random(11)
    return [resample(errors, rng) for _ in range(DRAWS)]


def test_the_mpe_is_that_of_a_loop_over_seeds_and_people(errors: Errors, found: Standings) -> None:
    for row in found.rows:
        means = []
        for benchmark in CLUSTERS:
            own = [errors[f"{row.name}--s{i}"][benchmark] for i in range(SEEDS[row.name])]
            people = [[e for c in clusters for e in c] for clusters in own]
            means.append(sum(sum(p) / len(p) for p in people) / len(people))
        assert row.mpe.mean == pytest.approx(sum(means) / 2)


def test_intervals_are_those_of_the_loop(found: Standings, draws: list[dict[str, float]]) -> None:
    for row in found.rows:
        values = [one[row.name] for one in draws]
        width = row.mpe.high - row.mpe.low
        assert row.mpe.low == pytest.approx(percentile(values, 0.025), abs=0.06 * width)
        assert row.mpe.high == pytest.approx(percentile(values, 0.975), abs=0.06 * width)


def test_differences_and_chances_are_those_of_the_loop(
    found: Standings, draws: list[dict[str, float]]
) -> None:
    names = [row.name for row in found.rows]
    for i, one in enumerate(names):
        for j, other in enumerate(names):
            gaps = [mpe[one] - mpe[other] for mpe in draws]
            low, high = percentile(gaps, 0.025), percentile(gaps, 0.975)
            near = 0.06 * (high - low)
            assert found.difference_low[i, j] == pytest.approx(low, abs=near)
            assert found.difference_high[i, j] == pytest.approx(high, abs=near)
            better = sum((gap < 0) + (gap == 0) / 2 for gap in gaps) / len(gaps)
            assert found.beats[i, j] == pytest.approx(better, abs=0.03)


def test_ranks_their_intervals_and_ties_are_those_of_the_loop(
    found: Standings, draws: list[dict[str, float]]
) -> None:
    names = [row.name for row in found.rows]
    assert [row.mpe.rank for row in found.rows] == [1, 2, 3, 4]
    places = [placed(mpe) for mpe in draws]
    ties, leader = {names[0]: 1}, names[0]
    for before, name in pairwise(names):
        apart = percentile([mpe[name] - mpe[leader] for mpe in draws], 0.025) > 0
        ties[name] = ties[before] + apart
        leader = name if apart else leader
    for row in found.rows:
        own = sorted(place[row.name] for place in places)
        ends = own[math.ceil(0.025 * DRAWS) - 1], own[math.ceil(0.975 * DRAWS) - 1]
        assert (row.mpe.rank_low, row.mpe.rank_high) == ends
        assert row.tie_group == ties[row.name]
    assert len(set(ties.values())) > 1
