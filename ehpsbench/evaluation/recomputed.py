"""Numbers of a stored result made again from its rows: what its summary has to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from ehpsbench.evaluation.numbers import (
    Number,
    of_statistics,
    of_values,
    without_intervals_of_counts,
)
from ehpsbench.evaluation.protocol import rules_then
from ehpsbench.evaluation.results import error_columns
from ehpsbench.evaluation.stored import statistics

VALUE = 1e-6  # relative: another order of the same sums


def differences(rows: pa.Table, summary: Mapping[str, Any]) -> list[str]:
    """What a summary says of its numbers that its rows do not give, a sentence each.

    Args:
        rows: of the result, as stored.
        summary: of it, in today's layout; ends are compared unless it has none at all, as the
            first version of results had none.

    Raises:
        InputError: the rules or the rows are of a version or layout that is not known.
    """
    said: Mapping[str, Mapping[str, Any]] = summary["numbers"]
    found = _numbers(rows, summary)
    faults = [f"{n} is not in the rows" for n in said if n not in found]
    faults += [f"{n} is not in the summary" for n in found if n not in said]
    bounded = any(n["low"] is not None or n["high"] is not None for n in said.values())
    for name in (n for n in found if n in said):
        faults += _compared(name, said[name], found[name])
        faults += _compared_ends(name, said[name], found[name]) if bounded else []
    return faults


def _numbers(rows: pa.Table, summary: Mapping[str, Any]) -> dict[str, Number]:
    """All numbers of a result, with the same draws as when it was made."""
    if summary["task"] == "mesh":
        return of_values(rows, error_columns(rows))
    rules = rules_then(summary)
    found: dict[str, Number] = {}
    for one in statistics(rules, rows):
        found |= of_statistics(rows, one)
    return without_intervals_of_counts(found, rules.number_facts())


def _compared(name: str, said: Mapping[str, Any], found: Number) -> list[str]:
    """Where value and counts differ by more than arithmetic explains."""
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
        faults.append(f"{name} is {said_value}, its rows give {found.value:.6g}")
    return faults


def _compared_ends(name: str, said: Mapping[str, Any], found: Number) -> list[str]:
    """Where the interval is not the one that the same draws of the rows give."""
    faults = []
    for end, real, which in (
        (said["low"], found.low, "lower"),
        (said["high"], found.high, "upper"),
    ):
        near = VALUE * max(1.0, abs(real), found.high - found.low)
        if (end is None) != bool(np.isnan(real)) or (end is not None and abs(end - real) > near):
            told = "not defined" if end is None else f"{end:.6g}"
            faults.append(f"the {which} end of {name} is {told}, its rows give {real:.6g}")
    return faults
