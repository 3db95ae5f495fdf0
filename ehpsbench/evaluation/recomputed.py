"""Numbers of a stored result made again from its rows: what its summary has to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from ehpsbench.evaluation.numbers import SAMPLES, Number, of_values
from ehpsbench.evaluation.protocol import rules_then
from ehpsbench.evaluation.results import error_columns
from ehpsbench.evaluation.stored import Floats, Statistics, statistics
from ehpsbench.resampling import LEAST_CLUSTERS, generator, interval, resampling_weights

MOST_WEIGHTS = 8_000_000  # drawn at once
FEWEST_DRAWS = 100
VALUE = 1e-6  # relative: another order of the same sums
END = 0.15  # of the width: ends of two bootstraps of 1,000 draws differ by 3 % of it


def differences(rows: pa.Table, summary: Mapping[str, Any]) -> list[str]:
    """What a summary says of its numbers that its rows do not give, a sentence each.

    Args:
        rows: of the result, as stored.
        summary: of it, in today's layout.

    Raises:
        InputError: the rules or the rows are of a version or layout that is not known.
    """
    said: Mapping[str, Mapping[str, Any]] = summary["numbers"]
    found = _numbers(rows, summary)
    faults = [f"{n} is not in the rows" for n in said if n not in found]
    faults += [f"{n} is not in the summary" for n in found if n not in said]
    for name in (n for n in found if n in said):
        faults += _compared(name, said[name], found[name])
    return faults


def _numbers(rows: pa.Table, summary: Mapping[str, Any]) -> dict[str, Number]:
    """All numbers of a result; whatever the task, statistics are drawn again by the cluster."""
    if summary["task"] == "mesh":
        return of_values(rows, error_columns(rows))
    found: dict[str, Number] = {}
    for one in statistics(rules_then(summary), rows):
        found |= _of_statistics(one, rows)
    return found


def _of_statistics(one: Statistics, rows: pa.Table) -> dict[str, Number]:
    """Numbers with their intervals; NaN where there is too little to resample."""
    clusters = np.asarray(rows["cluster"].to_pylist(), str)
    distinct, index = np.unique(clusters, return_inverse=True)
    drawn: dict[str, Floats] = {}
    if len(distinct) >= LEAST_CLUSTERS:
        draws = max(FEWEST_DRAWS, min(SAMPLES, MOST_WEIGHTS // len(distinct)))
        weights = resampling_weights(len(distinct), draws, generator(0, "numbers"))
        drawn = one.grouped(np.asarray(index)).numbers(weights)
    found = {}
    for name, value in one.numbers().items():
        known = drawn[name][np.isfinite(drawn[name])] if drawn else np.empty(0)
        low, high = interval(known) if len(known) else (np.nan, np.nan)
        found[name] = Number(float(value), low, high, len(clusters), len(distinct))
    return found


def _compared(name: str, said: Mapping[str, Any], found: Number) -> list[str]:
    """Where value, ends and counts differ by more than arithmetic and chance explain."""
    told = said["value"]
    faults = [
        f"{name} is said to rest on {said[what]} {words}, its rows have {real}"
        for what, words, real in (
            ("count", "rows", found.count),
            ("clusters", "clusters", found.clusters),
        )
        if said[what] != real
    ]
    near = VALUE * max(1.0, abs(found.value))
    if (told is None) != bool(np.isnan(found.value)) or (
        told is not None and abs(told - found.value) > near
    ):
        said_value = "not defined" if told is None else f"{told:.6g}"
        return [*faults, f"{name} is {said_value}, its rows give {found.value:.6g}"]
    room = END * (found.high - found.low) + near
    ends = ((said["low"], found.low, "lower"), (said["high"], found.high, "upper"))
    return faults + [
        f"the {which} end of {name} is {end:.6g}, its rows give about {real:.6g}"
        for end, real, which in ends
        if end is not None and abs(end - real) > room
    ]
