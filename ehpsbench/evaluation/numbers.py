"""Rows of a result → its numbers, each with a bootstrap interval over clusters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from ehpsbench.resampling import generator, interval, resampling_weights

Floats = NDArray[np.float64]
SAMPLES = 1000
CHUNK = 8_000_000  # resampled sums held at once


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a result.

    Attributes:
        value: NaN where it is not defined.
        low: lower end of its 95 % interval over clusters; over rows where there is one cluster.
        high: upper end.
        count: rows that it rests on.
        clusters: their clusters.
    """

    value: float
    low: float
    high: float
    count: int
    clusters: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON: NaN becomes None."""
        return {k: None if v != v else v for k, v in asdict(self).items()}


def of_values(rows: pa.Table, columns: Sequence[str]) -> dict[str, Number]:
    """The mean of each column over the rows that have a value.

    Args:
        rows: with `cluster`.
        columns: names of value columns; NaN where a row has none.
    """
    values = np.stack([np.asarray(rows[c], np.float64) for c in columns], axis=1)
    finite = np.isfinite(values)
    both = np.concatenate([np.where(finite, values, 0.0), finite], axis=1)
    units, names = _units(rows)

    def mean(sums: Floats) -> dict[str, Floats]:
        total, count = np.split(sums, 2, axis=-1)
        with np.errstate(invalid="ignore"):
            return dict(zip(columns, np.moveaxis(total / count, -1, 0), strict=True))

    found, drawn = _both(both, units, mean)
    return {
        c: _number(found[c], drawn[c], int(finite[:, i].sum()), len(set(names[finite[:, i]])))
        for i, c in enumerate(columns)
    }


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
    statistics = np.stack([np.asarray(rows[c], np.float64) for c in columns], axis=1)
    units, names = _units(rows)

    def made(sums: Floats) -> dict[str, Floats]:
        found = numbers(torch.from_numpy(np.ascontiguousarray(sums)))
        return {name: np.asarray(value, np.float64) for name, value in found.items()}

    found, drawn = _both(statistics, units, made)
    clusters = len(set(names))
    return {n: _number(found[n], drawn[n], len(statistics), clusters) for n in found}


def _units(rows: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """(N,) what is resampled with each row, and (N,) clusters: rows themselves if there is one."""
    names = np.asarray(rows["cluster"].to_pylist(), object)
    distinct, units = np.unique(names.astype(str), return_inverse=True)
    return (np.arange(len(names)) if len(distinct) < 2 else units), names


def _both(
    statistics: Floats, units: NDArray[np.int64], numbers: Callable[[Floats], Mapping[str, Floats]]
) -> tuple[Mapping[str, Floats], dict[str, Floats]]:
    """The numbers of all rows, and (S,) of each resample of units."""
    count = int(units.max(initial=-1)) + 1
    sums = np.zeros((count, statistics.shape[1]))
    np.add.at(sums, units, statistics)
    if not count:
        whole = numbers(sums.sum(0))
        return whole, {name: np.full(SAMPLES, np.nan) for name in whole}
    rng = generator(0, "numbers")
    size = max(1, CHUNK // max(count, statistics.shape[1]))
    parts = [
        numbers(resampling_weights(count, min(size, SAMPLES - start), rng) @ sums)
        for start in range(0, SAMPLES, size)
    ]
    whole = numbers(sums.sum(0))
    return whole, {name: np.concatenate([p[name] for p in parts]) for name in whole}


def _number(value: Floats, drawn: Floats, count: int, clusters: int) -> Number:
    known = drawn[np.isfinite(drawn)]
    low, high = interval(known) if len(known) else (np.nan, np.nan)
    return Number(float(value), float(low), float(high), count, clusters)
