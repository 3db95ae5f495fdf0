"""Rows of a result → its numbers, each with a bootstrap interval over clusters."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ehpsbench.resampling import generator, interval, resampling_weights, units

if TYPE_CHECKING:
    from torch import Tensor

    from ehpsbench.evaluation.stored import Statistics

Floats = NDArray[np.float64]
SAMPLES = 1000
MOST_DEFINED = 0.95  # of the resamples, below which there is no interval
CHUNK = 8_000_000  # resampled sums held at once


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a result.

    Attributes:
        value: NaN where it is not defined.
        low: lower end of its 95 % interval over clusters, over rows where clusters are fewer than
            five; NaN where there is nothing to resample, or the number counts what was scored.
        high: upper end.
        count: rows that it rests on.
        clusters: their clusters.
    """

    value: float
    low: float
    high: float
    count: int
    clusters: int

    def counted(self) -> Number:
        """The same without an interval: what was scored is known, whatever else is drawn."""
        return replace(self, low=math.nan, high=math.nan)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: what is not finite becomes None."""
        return {k: v if math.isfinite(v) else None for k, v in asdict(self).items()}


def without_intervals_of_counts(
    numbers: Mapping[str, Number], measures: Container[str]
) -> dict[str, Number]:
    """The numbers; those that measure nothing count what was scored, and have no interval.

    Args:
        numbers: name → number.
        measures: names of those that measure, as the rules know them.
    """
    return {n: one if n in measures else one.counted() for n, one in numbers.items()}


def of_values(rows: pa.Table, columns: Sequence[str]) -> dict[str, Number]:
    """The mean of each column over the rows that have a value.

    Args:
        rows: with `cluster`.
        columns: names of value columns; NaN where a row has none.
    """
    clusters = np.asarray(rows["cluster"].to_pylist(), object)
    found = {}
    for name in columns:
        values = np.asarray(rows[name], np.float64)
        here = np.isfinite(values)
        pairs = np.stack([values[here], np.ones(int(here.sum()))], axis=1)
        value, drawn = _both(pairs, clusters[here], _mean)
        found[name] = _number(value["mean"], drawn["mean"], clusters[here])
    return found


def _mean(sums: Floats) -> dict[str, Floats]:
    with np.errstate(invalid="ignore"):
        return {"mean": sums[..., 0] / sums[..., 1]}


def of_sums(
    rows: pa.Table,
    columns: Sequence[str],
    numbers: Callable[[Tensor], Mapping[str, Tensor]],
) -> dict[str, Number]:
    """Numbers that follow from sums of sufficient statistics.

    Args:
        rows: with `cluster`.
        columns: the statistics, in the metric's order.
        numbers: the metric's: sums (…, K) → each number (…).
    """
    import torch

    statistics = np.stack([np.asarray(rows[c], np.float64) for c in columns], axis=1)
    clusters = np.asarray(rows["cluster"].to_pylist(), object)

    def made(sums: Floats) -> dict[str, Floats]:
        found = numbers(torch.from_numpy(np.ascontiguousarray(sums)))
        return {name: np.asarray(value, np.float64) for name, value in found.items()}

    found, drawn = _both(statistics, clusters, made)
    return {n: _number(found[n], drawn[n], clusters) for n in found}


def of_statistics(rows: pa.Table, one: Statistics) -> dict[str, Number]:
    """Numbers that follow from statistics of a stored result; the same each time.

    Args:
        rows: with `cluster`.
        one: statistics of these rows, in their order.
    """
    clusters = np.asarray(rows["cluster"].to_pylist(), object)
    index = units(clusters.astype(str))
    count = int(index.max(initial=-1)) + 1
    whole, drawn = one.numbers(), _drawn(count, count, one.grouped(index).numbers)
    return {
        name: _number(value, drawn.get(name, np.full(SAMPLES, np.nan)), clusters)
        for name, value in whole.items()
    }


def _both(
    statistics: Floats,
    clusters: NDArray[np.object_],
    numbers: Callable[[Floats], Mapping[str, Floats]],
) -> tuple[Mapping[str, Floats], dict[str, Floats]]:
    """The numbers of all rows, and (S,) of each resample; see `ehpsbench.resampling.units`."""
    index = units(clusters.astype(str))
    count = int(index.max(initial=-1)) + 1
    sums = np.zeros((count, statistics.shape[1]))
    np.add.at(sums, index, statistics)
    whole = numbers(sums.sum(0))
    drawn = _drawn(count, max(sums.shape), lambda weights: numbers(weights @ sums))
    return whole, drawn or {name: np.full(SAMPLES, np.nan) for name in whole}


def _drawn(
    count: int, width: int, numbers: Callable[[Floats], Mapping[str, Floats]]
) -> dict[str, Floats]:
    """(S,) of each number over draws of `count` units; empty where one unit varies with nothing."""
    if count < 2:
        return {}
    rng = generator(0, "numbers")
    size = max(1, CHUNK // width)
    parts = [
        numbers(resampling_weights(count, min(size, SAMPLES - start), rng))
        for start in range(0, SAMPLES, size)
    ]
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def _number(value: Floats, drawn: Floats, clusters: NDArray[np.object_]) -> Number:
    """With an interval, unless more than a resample in twenty is undefined."""
    known = drawn[np.isfinite(drawn)]
    low, high = interval(known) if len(known) >= MOST_DEFINED * len(drawn) else (np.nan, np.nan)
    return Number(float(value), float(low), float(high), len(clusters), len(set(clusters)))
