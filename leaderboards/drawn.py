"""One benchmark's entries in the same resamples: means of people, or numbers made of statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.stored import Detected, Statistics
from ehpsbench.leaderboards.bootstrap import CHUNK, ClusterSums, resampled_means
from ehpsbench.resampling import Floats, generator, resampling_weights, units

MOST_RANKED = 400  # resamples of average precision, which ranks all detections in each
TRIES = 4  # × the resamples that are wanted, until as many are defined for all entries


@dataclass(frozen=True, slots=True)
class ErrorRows:
    """Primary errors of one entry on one benchmark, one row a person.

    Attributes:
        instance_id: (N,) who.
        cluster: (N,) what is resampled.
        error: (N,) primary error; NaN where it is not defined.
    """

    instance_id: NDArray[np.str_]
    cluster: NDArray[np.str_]
    error: Floats


@dataclass(frozen=True, slots=True)
class NumberRows:
    """What a number of one entry that is no mean of people is made of.

    Attributes:
        row_id: (N,) people or images.
        cluster: (N,) what is resampled.
        statistics: of what is resampled: grouped by `ehpsbench.resampling.units(cluster)`.
        number: its name.
    """

    row_id: NDArray[np.str_]
    cluster: NDArray[np.str_]
    statistics: Statistics
    number: str

    @classmethod
    def of(
        cls,
        row_id: NDArray[np.str_],
        cluster: NDArray[np.str_],
        statistics: Statistics,
        number: str,
    ) -> NumberRows:
        """From statistics of rows."""
        return cls(row_id, cluster, statistics.grouped(units(cluster)), number)

    def values(self, weights: Floats | None = None) -> Floats:
        """The number, (S,) of (S, C) weights of what is resampled."""
        return self.statistics.numbers(weights, [self.number])[self.number]


Rows = ErrorRows | NumberRows


@dataclass(frozen=True, slots=True)
class Scored:
    """One benchmark's entries, their numbers and these in each resample.

    Attributes:
        entries: who has a number.
        people: rows that each was scored on.
        clusters: theirs.
        means: entry → number.
        samples: entry → (S,) the same of resampled clusters.
        kind: the number is a mean over people, or made of statistics of people or images.
    """

    entries: tuple[str, ...]
    people: int
    clusters: int
    means: dict[str, float]
    samples: dict[str, Floats]
    kind: Literal["people", "statistics"] = "people"


def most_draws(rows: Mapping[str, Mapping[str, Rows]], samples: int) -> int:
    """How many resamples a table takes: fewer where one of its columns is slow."""
    slow = (
        isinstance(one, NumberRows) and isinstance(one.statistics, Detected)
        for own in rows.values()
        for one in own.values()
    )
    return min(samples, MOST_RANKED) if any(slow) else samples


def scored(
    column: str,
    rows: Mapping[str, Mapping[str, Rows]],
    samples: int,
    seed: int,
    *,
    drawn_as: str | None = None,
) -> Scored:
    """All entries that have a column: their numbers and their resamples, paired.

    Args:
        column: of the board.
        rows: entry → column → what its number is made of.
        samples: resamples.
        seed: of the random numbers.
        drawn_as: columns of one name draw the same clusters; default: the column's own.

    Raises:
        InputError: entries were scored on different people, or a number is hardly ever defined.
    """
    own = {e: rows[e][column] for e in rows if column in rows[e]}
    errors = {e: r for e, r in own.items() if isinstance(r, ErrorRows)}
    numbers = {e: r for e, r in own.items() if isinstance(r, NumberRows)}
    if errors and numbers:
        raise InputError(f"{column}: some entries have errors of people, others only statistics.")
    rng = generator(seed, "clusters", drawn_as or column)
    if errors:
        return _means(column, errors, samples, rng)
    known = {e: r for e, r in numbers.items() if not np.isnan(r.values())}
    if not known:
        return Scored((), 0, 0, {}, {})
    return _numbers(column, known, samples, rng)


def _means(
    column: str, rows: Mapping[str, ErrorRows], samples: int, rng: np.random.Generator
) -> Scored:
    errors, clusters = paired(column, rows)
    data = ClusterSums.of(errors, units(clusters))
    drawn = resampled_means(data, samples, rng)
    return Scored(
        tuple(rows),
        errors.shape[1],
        len(np.unique(clusters)),
        dict(zip(rows, data.means.tolist(), strict=True)),
        dict(zip(rows, drawn.T, strict=True)),
    )


def _numbers(
    column: str, rows: Mapping[str, NumberRows], samples: int, rng: np.random.Generator
) -> Scored:
    first = next(iter(rows))
    ids, clusters = rows[first].row_id, rows[first].cluster
    for entry, one in rows.items():
        if not (np.array_equal(one.row_id, ids) and np.array_equal(one.cluster, clusters)):
            raise InputError(_different(column, first, entry, rows[first].row_id, one.row_id))
    count = int(units(clusters).max()) + 1
    drawn = _defined(column, list(rows.values()), count, samples, rng)
    return Scored(
        tuple(rows),
        len(ids),
        len(np.unique(clusters)),
        {entry: float(one.values()) for entry, one in rows.items()},
        dict(zip(rows, drawn, strict=True)),
        "statistics",
    )


def _defined(
    column: str, rows: Sequence[NumberRows], count: int, samples: int, rng: np.random.Generator
) -> Floats:
    """(E, S) numbers of resampled clusters, of those resamples in which all are defined."""
    size = max(1, CHUNK // max(count, 1000))
    kept, found, tried = list[Floats](), 0, 0
    while found < samples and tried < TRIES * samples:
        weights = resampling_weights(count, min(size, samples), rng)
        drawn = np.stack([one.values(weights) for one in rows])
        drawn = drawn[:, ~np.isnan(drawn).any(0)]
        kept.append(drawn)
        found, tried = found + drawn.shape[1], tried + len(weights)
    if found < samples:
        raise InputError(
            f"{column}: {rows[0].number} is defined in only {found:,} of {tried:,} resamples of "
            f"the {count} clusters, so that no interval can be given. The data are too few."
        )
    return np.concatenate(kept, axis=1)[:, :samples]


def paired(column: str, rows: Mapping[str, ErrorRows]) -> tuple[Floats, NDArray[np.str_]]:
    """(E, N) errors of entries on the same people, and the cluster of each.

    Raises:
        InputError: the people differ.
    """
    first, *others = rows
    order = np.argsort(rows[first].instance_id)
    people = rows[first].instance_id[order]
    errors = [rows[first].error[order]]
    for entry in others:
        own = np.argsort(rows[entry].instance_id)
        if not np.array_equal(rows[entry].instance_id[own], people):
            raise InputError(_different(column, first, entry, people, rows[entry].instance_id))
        errors.append(rows[entry].error[own])
    stacked = np.stack(errors)
    finite = np.isfinite(stacked)
    some = finite.any(0) & ~finite.all(0)
    if some.any():
        where = people[np.argmax(some)]
        raise InputError(
            f"{column}: {where} has an error for some entries and none for others; entries must be "
            "scored on the same people. Predict what is missing and evaluate again."
        )
    kept = finite.all(0)
    if not kept.any():
        raise InputError(f"{column}: no person has an error.")
    return stacked[:, kept], rows[first].cluster[order][kept]


def _different(column: str, one: str, other: str, a: NDArray[np.str_], b: NDArray[np.str_]) -> str:
    example = min(set(a.tolist()) ^ set(b.tolist()), default="a person twice")
    return (
        f"{column}: {one} was scored on {len(a)} people and {other} on {len(b)} (for example "
        f"{example}); they must be the same. Evaluate both with the present store and protocol."
    )
