"""Two entries on the same people: how far they differ, and whether that could be chance.

The difference has a bootstrap interval over clusters, and a p-value by exchanging the two: were
they the same, each cluster's errors of A and B could as well stand the other way round. Every
exchange gives a difference; p is the share of them at least as large, to either side, as the one
that was found. Where numbers are means of people this is the sign-flip test of clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.stored import Detected
from ehpsbench.leaderboards.bootstrap import told_apart
from ehpsbench.leaderboards.drawn import MOST_RANKED, ErrorRows, NumberRows
from ehpsbench.resampling import (
    LEAST_CLUSTERS,
    Floats,
    generator,
    interval,
    resampling_weights,
    units,
)

PEOPLE, IMAGES = "people", "images"
FLIPS = 9999
FLIPS_RANKED = 999  # of average precision, which ranks all detections in each
ALL_UP_TO = 12  # clusters of which every exchange is taken: 4,096
CHUNK = 4_000_000  # weights held at once
ROUNDING = 1e-9  # of a difference: exchanges that give the same one must count as such
METHOD = (
    "95 % percentile interval of a bootstrap over clusters; two-sided p of exchanging the two, "
    f"cluster by cluster: all exchanges of up to {ALL_UP_TO} clusters, else {FLIPS:,} at random "
    f"({FLIPS_RANKED:,} of average precision); no correction for several benchmarks"
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A number of A and of B, on the same people.

    Attributes:
        a: of A.
        b: of B.
        difference: a − b.
        low: lower end of its 95 % interval.
        high: upper end.
        p: how likely exchanging the two makes a difference as large; two-sided.
        people: rows that both have.
        clusters: theirs.
        left_out: rows that only one of them has.
        resampled: `clusters`, or what the rows are where clusters are fewer than five.
        scored: what the rows are: `people` or `images`; both, of a mean over benchmarks.
    """

    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float
    people: int
    clusters: int
    left_out: int
    resampled: str
    scored: str = PEOPLE


@dataclass(frozen=True, slots=True)
class Pair:
    """A and B on one benchmark, ready to be drawn again.

    Attributes:
        people: rows of both.
        clusters: theirs.
        left_out: rows that only one of them has.
        units: what is drawn or exchanged: C clusters, or people where clusters are few.
        values: of (S, C) weights, (2, S) numbers of A and B.
        exchanged: of (S, C) exchanges, 1 where the two are, (S,) differences.
        slow: every draw ranks all detections.
        scored: what the rows are: `people` or `images`.
    """

    people: int
    clusters: int
    left_out: int
    units: int
    values: Callable[[Floats], Floats]
    exchanged: Callable[[Floats], Floats]
    slow: bool = False
    scored: str = PEOPLE


def difference(pair: Pair, samples: int, seed: int, drawn_as: str) -> Difference:
    """The difference of A and B with interval and p-value.

    Args:
        pair: of one benchmark.
        samples: resamples.
        seed: of the random numbers.
        drawn_as: pairs of one name draw the same clusters.
    """
    return mean_difference([(pair, drawn_as)], samples, seed)


def mean_difference(pairs: Sequence[tuple[Pair, str]], samples: int, seed: int) -> Difference:
    """The mean over benchmarks of the difference, tested as a whole.

    Args:
        pairs: of each benchmark, and the name that it is drawn as.
        samples: resamples.
        seed: of the random numbers.
    """
    each = [pair for pair, _ in pairs]
    slow = any(pair.slow for pair in each)
    whole = np.mean([pair.values(np.ones((1, pair.units)))[:, 0] for pair in each], axis=0)
    count = min(samples, MOST_RANKED) if slow else samples
    drawn = np.mean([resampled(pair, count, seed, name) for pair, name in pairs], axis=0)
    drawn = told_apart(drawn[np.isfinite(drawn)], whole[1])
    every = len(each) == 1 and each[0].units <= ALL_UP_TO
    flips = None if every else FLIPS_RANKED if slow else FLIPS
    others = np.mean([exchanged(pair, flips, seed, name) for pair, name in pairs], axis=0)
    gap = float(told_apart(whole[0] - whole[1], whole[1]))
    low, high = interval(drawn) if len(drawn) else (np.nan, np.nan)
    few = any(pair.clusters < LEAST_CLUSTERS for pair in each)
    scored = " and ".join(sorted({pair.scored for pair in each}, reverse=True))
    return Difference(
        a=float(whole[0]),
        b=float(whole[1]),
        difference=gap,
        low=low,
        high=high,
        p=p_value(gap, others, every=every),
        people=sum(pair.people for pair in each),
        clusters=sum(pair.clusters for pair in each),
        left_out=sum(pair.left_out for pair in each),
        resampled=scored if few else "clusters",
        scored=scored,
    )


def resampled(pair: Pair, samples: int, seed: int, drawn_as: str) -> Floats:
    """(S,) differences of resampled clusters; NaN where they are not defined."""
    if pair.units < 2:
        return np.full(samples, np.nan)
    rng = generator(seed, "clusters", drawn_as)
    parts = [
        pair.values(resampling_weights(pair.units, size, rng)) for size in _sizes(pair, samples)
    ]
    sides = np.concatenate(parts, axis=1)
    return np.asarray(sides[0] - sides[1])


def exchanged(pair: Pair, count: int | None, seed: int, drawn_as: str) -> Floats:
    """(S,) differences with clusters exchanged at random; None: every way of exchanging them."""
    if count is None:
        return pair.exchanged(np.asarray([*product((0.0, 1.0), repeat=pair.units)]))
    rng = generator(seed, "exchanges", drawn_as)
    parts = [
        pair.exchanged(rng.integers(2, size=(size, pair.units)).astype(np.float64))
        for size in _sizes(pair, count)
    ]
    return np.concatenate(parts)


def p_value(found: float, exchanged: Floats, *, every: bool) -> float:
    """Share of exchanges whose difference is as large to either side; what was found is one."""
    least = abs(found) * (1 - ROUNDING) - 1e-12
    as_large = int((np.abs(exchanged) >= least).sum())
    if every:
        return as_large / len(exchanged)
    return (1 + as_large) / (1 + len(exchanged))


def _sizes(pair: Pair, count: int) -> list[int]:
    size = max(1, CHUNK // max(pair.units, 1000))
    return [min(size, count - start) for start in range(0, count, size)]


def pair_of_people(a: Sequence[ErrorRows], b: Sequence[ErrorRows]) -> Pair:
    """Means over people whom all seeds of A and B have; a person's error is the mean over seeds.

    Raises:
        InputError: nobody is shared.
    """
    errors, clusters, every = _shared([*a, *b])
    sides = errors[: len(a)].mean(0), errors[len(a) :].mean(0)
    index = units(clusters)
    sums = np.stack([np.bincount(index, side) for side in sides])
    counts = np.bincount(index).astype(np.float64)
    total, gap = counts.sum(), sums[0] - sums[1]
    return Pair(
        people=len(clusters),
        clusters=len(np.unique(clusters)),
        left_out=every - len(clusters),
        units=len(counts),
        values=lambda weights: (weights @ sums.T / (weights @ counts)[:, None]).T,
        exchanged=lambda swapped: (1 - 2 * swapped) @ gap / total,
    )


def pair_of_statistics(a: NumberRows, b: NumberRows, scored: str = PEOPLE) -> Pair:
    """Numbers made of the statistics of the same people or images, as `scored` says.

    Raises:
        InputError: their rows differ.
    """
    if not (np.array_equal(a.row_id, b.row_id) and np.array_equal(a.cluster, b.cluster)):
        raise InputError(f"The rows of {a.number} of the two entries are not the same.")
    count = int(units(a.cluster).max()) + 1
    both = a.statistics.beside(b.statistics)

    def exchanged(swapped: Floats) -> Floats:
        sides = (np.hstack([1 - swapped, swapped]), np.hstack([swapped, 1 - swapped]))
        one, other = (both.numbers(side, [a.number])[a.number] for side in sides)
        return np.asarray(one - other)

    return Pair(
        people=len(a.row_id),
        clusters=len(np.unique(a.cluster)),
        left_out=0,
        units=count,
        values=lambda weights: np.stack([a.values(weights), b.values(weights)]),
        exchanged=exchanged,
        slow=isinstance(a.statistics, Detected),
        scored=scored,
    )


def _shared(rows: Sequence[ErrorRows]) -> tuple[Floats, NDArray[np.str_], int]:
    """(E, N) errors of the people who have one in all, their clusters, and how many people are."""
    known: list[Mapping[str, int]] = [
        {str(who): i for i, who in enumerate(r.instance_id) if np.isfinite(r.error[i])}
        for r in rows
    ]
    everybody = set().union(*known)
    shared = sorted(everybody.intersection(*known))
    if not shared:
        raise InputError("The two entries share nobody who has an error.")
    errors = [r.error[[k[who] for who in shared]] for r, k in zip(rows, known, strict=True)]
    clusters = rows[0].cluster[[known[0][who] for who in shared]]
    return np.stack(errors), clusters, len(everybody)
