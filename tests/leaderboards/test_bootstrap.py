"""The bootstrap against a closed form and against a slow loop."""

from __future__ import annotations

import numpy as np
import pytest

from ehpsbench.leaderboards.bootstrap import ClusterSums, rank_interval, ranks, resampled_means
from ehpsbench.resampling import generator, interval, resampling_weights


def test_the_spread_of_resampled_means_is_the_standard_error_of_the_mean() -> None:
    values = np.random.default_rng(0).normal(100, 15, size=12)
    data = ClusterSums.of(values[None], np.arange(12))
    drawn = resampled_means(data, 40_000, generator(0, "test"))
    assert drawn.mean() == pytest.approx(values.mean(), abs=0.1)
    assert drawn.std() == pytest.approx(values.std(ddof=1) / np.sqrt(12), rel=0.02)


def test_two_seeds_10_mm_apart_spread_by_5_mm() -> None:
    weights = resampling_weights(2, 20_000, generator(0, "test"))
    drawn = weights @ np.array([100.0, 110.0])
    assert sorted(set(drawn)) == [100.0, 110.0]
    assert drawn.std() == pytest.approx(5.0, rel=0.01)


def test_means_equal_those_of_a_loop_that_joins_the_people_of_the_drawn_clusters() -> None:
    rng = np.random.default_rng(1)
    clusters = rng.integers(0, 7, 60).astype(str)
    errors = rng.normal(80, 20, size=(3, 60))
    fast = resampled_means(
        ClusterSums.of(errors, np.unique(clusters, return_inverse=True)[1]),
        200,
        generator(4, "test"),
    )
    weights = resampling_weights(len(set(clusters)), 200, generator(4, "test"))
    for draw, found in zip(weights.astype(int), fast, strict=True):
        drawn = np.repeat(sorted(set(clusters)), draw)
        people = np.concatenate([np.flatnonzero(clusters == c) for c in drawn])
        np.testing.assert_allclose(found, errors[:, people].mean(1), rtol=1e-12)


def test_many_clusters_are_drawn_in_pieces_with_the_same_weight_for_each() -> None:
    values = np.arange(5000.0)
    data = ClusterSums.of(values[None], np.arange(5000))
    drawn = resampled_means(data, 1500, generator(0, "test"))
    assert drawn.shape == (1500, 1)
    assert drawn.std() == pytest.approx(values.std(ddof=1) / np.sqrt(5000), rel=0.06)


def test_people_not_clusters_have_equal_weight_in_the_mean() -> None:
    data = ClusterSums.of(np.array([[10.0, 10.0, 40.0]]), np.array([0, 0, 1]))
    assert data.means.tolist() == [20.0]


def test_the_percentile_interval_of_0_to_1000_is_25_to_975() -> None:
    assert interval(np.arange(1001.0)) == pytest.approx((25, 975))


def test_values_that_rounding_parts_share_the_better_rank_and_nan_is_last() -> None:
    values = np.array([[260.0, 260.0 + 6e-6, 261.0, np.nan], [1e-6, 2e-6, 0.0, 0.0]])
    assert ranks(values).tolist() == [[1, 1, 3, 4], [3, 4, 1, 1]]


def test_equal_values_share_the_better_rank() -> None:
    assert ranks(np.array([[30.0, 10.0, 10.0, 20.0]])).tolist() == [[4, 1, 1, 3]]


def test_rank_intervals_are_whole_ranks() -> None:
    assert rank_interval(np.array([1] * 50 + [2] * 50)) == (1, 2)
    assert rank_interval(np.array([1] * 98 + [2] * 2)) == (1, 1)


def test_random_numbers_depend_on_the_name_and_the_seed_only() -> None:
    first = generator(3, "seeds", "agora").integers(0, 1000, 5)
    assert (generator(3, "seeds", "agora").integers(0, 1000, 5) == first).all()
    assert (generator(3, "seeds", "ubody").integers(0, 1000, 5) != first).any()
    assert (generator(4, "seeds", "agora").integers(0, 1000, 5) != first).any()
