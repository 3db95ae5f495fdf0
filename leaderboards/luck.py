"""The luck of training: how far a set's seeds may lie from what more of them would come to.

Pooled over all sets, since two or three seeds say little of themselves (bootstrap.py). A set whose
seeds spread far more than all others', such as one with a run that had not begun to learn, would
get too narrow an interval of its own and give everybody else too wide a one: it is found by a
test of the largest variance, kept out of the pool, and gets Student's t about its own seeds.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ehpsbench.resampling import Floats

UNLIKELY = 0.01  # that seeds spread so by chance, for the one that spreads most of all sets
LEAST_FREEDOM = 4  # of the others' seeds together; with fewer nothing is found
DRAWS = 20_000


def seed_deviations(resampled: Floats) -> Floats:
    """(S, n) how far each of a set's n ≥ 2 seeds lies from their mean, as single seeds vary.

    The factor √(n / (n − 1)) gives back the variance that the fitted mean took.
    """
    count = resampled.shape[1]
    deviations = resampled - resampled.mean(axis=1, keepdims=True)
    return np.asarray(deviations * np.sqrt(count / (count - 1)))


def pooled_luck(deviations: Floats, seeds: int, rng: np.random.Generator) -> Floats:
    """(S,) luck of a mean of so many seeds, drawn from (S, m) deviations of all sets' seeds."""
    drawn = rng.integers(deviations.shape[1], size=(len(deviations), seeds))
    return np.asarray(np.take_along_axis(deviations, drawn, 1).mean(axis=1))


def own_luck(deviations: Floats, rng: np.random.Generator) -> Floats:
    """(S,) luck of the mean of n seeds from their own (S, n) deviations: Student's t, n − 1.

    With the same random numbers on every benchmark it is a t of all benchmarks together, since a
    lucky seed is lucky everywhere.
    """
    samples, count = deviations.shape
    weights = rng.normal(size=(samples, count)) / count
    widened = np.sqrt((count - 1) / rng.chisquare(count - 1, samples))
    return np.asarray((weights * deviations).sum(1) * widened)


def wild(errors: Mapping[str, Floats]) -> frozenset[str]:
    """The sets whose seeds spread far more than those of all others.

    The widest is taken out as long as its variance, over the pooled one of those that remain, is
    larger than the largest such ratio among equal sets would be once in a hundred tables.

    Args:
        errors: set → (n, B) numbers of its n ≥ 2 seeds on B benchmarks, of any units.
    """
    spread = {name: _spread(values) for name, values in _comparable(errors).items()}
    freedom = {name: len(values) - 1 for name, values in errors.items()}
    found: set[str] = set()
    while len(spread) > 1:
        variance = {name: total / freedom[name] for name, total in spread.items()}
        widest = max(variance, key=lambda name: (variance[name], name))
        others = sum(freedom[name] for name in spread if name != widest)
        pooled = sum(total for name, total in spread.items() if name != widest) / max(others, 1)
        limit = _limit(tuple(freedom[name] for name in spread))
        if others < LEAST_FREEDOM or not pooled > 0 or variance[widest] / pooled <= limit:
            break
        found.add(widest)
        del spread[widest]
    return frozenset(found)


def _comparable(errors: Mapping[str, Floats]) -> dict[str, Floats]:
    """(n,) means of each seed over benchmarks, each in units of all sets' pooled spread there."""
    freedom = sum(len(values) - 1 for values in errors.values())
    squares = sum(((v - v.mean(0)) ** 2).sum(0) for v in errors.values())
    scale = np.sqrt(np.asarray(squares) / max(freedom, 1))
    scale = np.where(scale > 0, scale, 1.0)
    return {name: (values / scale).mean(1) for name, values in errors.items()}


def _spread(values: Floats) -> float:
    return float(((values - values.mean()) ** 2).sum())


def _limit(freedom: tuple[int, ...]) -> float:
    """The ratio of the widest's variance to the others' that chance exceeds once in a hundred."""
    rng = np.random.default_rng(0)  # the same limit for the same table
    degrees = np.asarray(freedom, np.float64)
    squares = rng.chisquare(degrees, (DRAWS, len(degrees)))
    widest = (squares / degrees).argmax(1)
    rows = np.arange(DRAWS)
    others = (squares.sum(1) - squares[rows, widest]) / (degrees.sum() - degrees[widest])
    ratio = squares[rows, widest] / degrees[widest] / others
    return float(np.quantile(ratio, 1 - UNLIKELY))
