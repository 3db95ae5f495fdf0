"""The paired test: closed forms of its p-value and interval, and who is compared."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from ehpsbench.errors import InputError
from ehpsbench.evaluation.stored import Sums
from ehpsbench.leaderboards.drawn import ErrorRows, NumberRows
from ehpsbench.leaderboards.paired import (
    Difference,
    difference,
    mean_difference,
    pair_of_people,
    pair_of_statistics,
)
from ehpsbench.resampling import generator, resampling_weights


def rows(errors: np.ndarray, clusters: int, skip: int = 0) -> ErrorRows:
    people = np.arange(skip, len(errors))
    return ErrorRows(
        np.array([f"p{i:03d}" for i in people]),
        np.array([f"v{i % clusters:02d}" for i in people]),
        np.asarray(errors, float)[skip:],
    )


def compared(a: np.ndarray, b: np.ndarray, clusters: int, samples: int = 500) -> Difference:
    return difference(pair_of_people([rows(a, clusters)], [rows(b, clusters)]), samples, 0, "x")


def test_a_difference_that_rounding_makes_is_none() -> None:
    found = compared(np.full(20, 260.0), np.full(20, 260.0 + 6e-6), clusters=5)
    assert (found.difference, found.p, found.low, found.high) == (0, 1, 0, 0)


def test_five_clusters_that_all_say_the_same_have_p_2_of_32() -> None:
    found = compared(np.full(20, 3.0), np.full(20, 2.0), clusters=5)
    assert (found.difference, found.p, found.low, found.high) == (1, 2 / 32, 1, 1)
    assert (found.people, found.clusters, found.resampled) == (20, 5, "clusters")


def two_sided(clusters: int, right: int) -> float:
    """P(|2X − n| ≥ |2k − n|) of X of n fair coins: the sign test."""
    off = abs(2 * right - clusters)
    return (
        sum(comb(clusters, x) for x in range(clusters + 1) if abs(2 * x - clusters) >= off)
        / 2**clusters
    )


@pytest.mark.parametrize(("clusters", "right"), [(12, 9), (7, 6), (10, 5)])
def test_equal_steps_up_and_down_give_the_sign_test_exactly(clusters: int, right: int) -> None:
    gaps = np.where(np.arange(clusters) < right, 1.0, -1.0)
    found = compared(100 + gaps, np.full(clusters, 100.0), clusters)
    assert found.p == pytest.approx(two_sided(clusters, right))


def test_many_clusters_are_exchanged_at_random_to_nearly_the_sign_test() -> None:
    gaps = np.where(np.arange(40) < 26, 1.0, -1.0)
    found = compared(100 + gaps, np.full(40, 100.0), 40)
    assert found.p == pytest.approx(two_sided(40, 26), abs=0.01)


def test_the_interval_is_that_of_resampled_clusters() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(100, 5, 60), rng.normal(98, 5, 60)
    found = compared(a, b, clusters=12, samples=300)
    sums = np.array([(a - b)[i::12].sum() for i in range(12)])
    weights = resampling_weights(12, 300, generator(0, "clusters", "x"))
    drawn = [sum(w * s for w, s in zip(row, sums, strict=True)) / (5 * 11) for row in weights]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))


def test_the_p_of_entries_that_are_the_same_is_rarely_small() -> None:
    rng = np.random.default_rng(0)
    small = 0
    for _ in range(200):
        hard = np.repeat(rng.normal(0, 20, 10), 4)  # of a cluster, for both
        own = [hard + np.repeat(rng.normal(0, 3, 10), 4) + rng.normal(0, 1, 40) for _ in "ab"]
        ids = np.array([f"p{i:02d}" for i in range(40)])
        clusters = np.array([f"v{i // 4}" for i in range(40)])
        pair = pair_of_people(*([ErrorRows(ids, clusters, x)] for x in own))
        small += difference(pair, 2, 0, "x").p <= 0.05
    assert small <= 20  # 10 expected, 20 at three standard deviations


def test_only_shared_people_count_and_the_others_are_told() -> None:
    a, b = np.full(20, 3.0), np.full(20, 2.0)
    b[19] = np.nan
    found = difference(pair_of_people([rows(a, 5, skip=3)], [rows(b, 5)]), 10, 0, "x")
    assert (found.people, found.left_out, found.difference) == (16, 4, 1)
    with pytest.raises(InputError, match="share nobody"):
        pair_of_people([rows(a, 5)], [rows(np.full(20, np.nan), 5)])


def test_the_seeds_of_a_set_are_averaged_person_by_person() -> None:
    seeds = [rows(np.full(20, v), 5) for v in (1.0, 3.0)]
    assert difference(pair_of_people(seeds, [rows(np.full(20, 5.0), 5)]), 10, 0, "x").a == 2


def test_means_as_statistics_are_tested_as_means_of_people_are() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(100, 5, 60), rng.normal(98, 5, 60)

    def numbers(errors: np.ndarray) -> NumberRows:
        people = rows(errors, 15)
        pairs = np.stack([errors, np.ones(60)], axis=1)
        made = Sums(("mean",), pairs, lambda sums: {"mean": sums[..., 0] / sums[..., 1]})
        return NumberRows.of(people.instance_id, people.cluster, made, "mean")

    one = compared(a, b, 15)
    other = difference(pair_of_statistics(numbers(a), numbers(b)), 500, 0, "x")
    assert (other.low, other.high, other.p) == pytest.approx((one.low, one.high, one.p))


def test_the_mean_over_benchmarks_is_surer_than_each() -> None:
    rng = np.random.default_rng(0)
    pairs = [
        (pair_of_people([rows(rng.normal(101, 3, 40), 20)], [rows(rng.normal(100, 3, 40), 20)]), n)
        for n in "xyz"
    ]
    each = [difference(pair, 500, 0, name) for pair, name in pairs]
    whole = mean_difference(pairs, 500, 0)
    assert whole.difference == pytest.approx(np.mean([d.difference for d in each]))
    assert whole.high - whole.low < min(d.high - d.low for d in each)
    assert (whole.people, whole.clusters) == (120, 60)


def test_few_clusters_exchange_people_and_say_so() -> None:
    found = compared(np.full(20, 3.0), np.full(20, 2.0), clusters=2)
    assert (found.resampled, found.clusters) == ("people", 2)
