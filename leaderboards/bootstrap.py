"""Resampled means of entries, and the spread of seeds pooled over training sets.

Two or three seeds are too few to resample by themselves: the interval of a difference of two sets
covers 67 % with two seeds each, 87 % with three. So the deviations of seeds from the mean of their
set are pooled over the sets, scaled to the variance of a single seed, and drawn from there: 91 %
with two seeds and seven sets, 93 % with three (benchmarks/interval_coverage.py). The price is one
assumption, that luck is about as large on every set; whose seeds spread far more is found by a test
and keeps to its own (luck.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ehpsbench.resampling import Floats, resampling_weights

CHUNK = 4_000_000  # weights held at once
SAME = 1e-5  # of a number: float32, and two computers, differ by less


@dataclass(frozen=True, slots=True)
class ClusterSums:
    """All of a benchmark's rows that a bootstrap over clusters needs.

    Attributes:
        sums: (E, C) sum of each entry's errors in each cluster.
        counts: (C,) people in each cluster.
    """

    sums: Floats
    counts: Floats

    @classmethod
    def of(cls, errors: Floats, index: NDArray[np.int64]) -> ClusterSums:
        """Sums of (E, N) errors by the (N,) number of each person's cluster."""
        count = int(index.max()) + 1
        sums = np.stack([np.bincount(index, row, count) for row in errors])
        people = np.bincount(index, minlength=count)
        return cls(np.asarray(sums, np.float64), np.asarray(people, np.float64))

    @property
    def means(self) -> Floats:
        """(E,) mean over people."""
        return np.asarray(self.sums.sum(1) / self.counts.sum())


def resampled_means(data: ClusterSums, samples: int, rng: np.random.Generator) -> Floats:
    """(samples, E) mean over the people of resampled clusters; one draw serves all entries."""
    clusters = len(data.counts)
    size = max(1, CHUNK // clusters)
    parts = []
    for start in range(0, samples, size):
        weights = resampling_weights(clusters, min(size, samples - start), rng)
        parts.append((weights @ data.sums.T) / (weights @ data.counts)[:, None])
    return np.concatenate(parts)


def told_apart(difference: Floats, of: Floats) -> Floats:
    """Differences of numbers; 0 where they are no larger than what arithmetic leaves undecided.

    Two entries that are the same but for a turn of the whole body, compared by aligned errors,
    differ by rounding on every person alike, which a bootstrap would take for a difference.

    Args:
        difference: (...) of two numbers.
        of: (...) one of them.
    """
    return np.where(np.abs(difference) <= SAME * np.abs(of), 0.0, difference)


def rank_interval(ranks: NDArray[np.int64], level: float = 0.95) -> tuple[int, int]:
    """Percentile interval of resampled ranks, in whole ranks."""
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(ranks, tails, method="inverted_cdf")
    return int(low), int(high)


def ranks(values: Floats) -> NDArray[np.int64]:
    """(S, G) rank of each value in its row: 1 + how many are smaller; equal values share one.

    Equal are values that are not told apart from the next smaller one.
    """
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, 1)
    first = np.ones(values.shape, bool)  # of those that are equal
    with np.errstate(invalid="ignore"):
        first[:, 1:] = told_apart(ordered[:, 1:] - ordered[:, :-1], ordered[:, 1:]) != 0
    places = np.maximum.accumulate(np.where(first, np.arange(values.shape[1]), 0), axis=1) + 1
    result = np.empty(values.shape, np.int64)
    np.put_along_axis(result, order, places, 1)
    return result
