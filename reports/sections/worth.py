"""What each training set is worth, and where: a leaf to open for every row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from ehpsbench.leaderboards.table import BenchmarkFacts, Standing
from ehpsbench.reports.given import Given
from ehpsbench.reports.levels import level_among
from ehpsbench.reports.places import places
from ehpsbench.reports.scores import column_label, digits_of, score_name, unit_after
from ehpsbench.reports.section import Section
from ehpsbench.reports.theme import variable_of
from ehpsbench.reports.words import NOTHING, listed, number

ORDER = 80
CERTAIN = 0.975


def section(given: Given) -> Section | None:
    """For every ranked row: place, whom it beats for certain, and every benchmark by itself."""
    ranked = [row for row in given.standings.rows if row.tie_group is not None]
    if len(ranked) < 2:
        return None
    shared = places(given.standings)
    leaves = [
        {
            "name": row.name,
            "colour": variable_of(given.names, row.name),
            "place": shared[row.name].words,
            "about": given.about.get(row.name, ""),
            "words": _words(given, row, ranked),
            "lines": [_line(row, b, ranked) for b in given.standings.benchmarks],
            "marks": row.marks,
        }
        for row in ranked
    ]
    return Section(
        "worth", "What is each dataset worth?", "worth.html.j2", {"leaves": leaves}, "Worth"
    )


def _words(given: Given, row: Standing, ranked: Sequence[Standing]) -> str:
    """The score against the median row, and who is certainly behind and ahead."""
    score, own = given.standings.score, given.names.index(row.name)
    gap = row.mpe.mean - median(other.mpe.mean for other in ranked)
    better = (gap < 0) == (score.direction == "lower")
    unit, digits = unit_after(score.unit), digits_of(score.unit)
    side = "better" if better else "worse"
    name = score_name(given.standings)
    said = f"{name} {number(abs(gap), digits)}{unit} {side} than the median set"
    said = said if gap else f"{name} of the median set"
    beats = given.standings.beats[own]
    places_ = [i for i, other in enumerate(given.standings.rows) if other.tie_group is not None]
    behind = [i for i in places_ if i != own and beats[i] >= CERTAIN]
    ahead = [i for i in places_ if i != own and beats[i] <= 1 - CERTAIN]
    return (
        f"{said}. In at least 97.5 % of the resamples it is ahead of {len(behind)} and behind "
        f"{len(ahead)} of the other {len(ranked) - 1}{_who(given, behind, ahead)}."
    )


def _who(given: Given, behind: Sequence[int], ahead: Sequence[int]) -> str:
    """The nearest certain neighbours by name."""
    said = []
    if ahead:
        said.append(f"{given.names[max(ahead)]} is the last that is certainly better")
    if behind:
        said.append(f"{given.names[min(behind)]} the first that is certainly worse")
    return f"; {listed(said)}" if said else ""


def _line(row: Standing, benchmark: BenchmarkFacts, ranked: Sequence[Standing]) -> dict[str, Any]:
    value = row.errors[benchmark.id]
    column = [r.errors[benchmark.id].mean for r in ranked]
    known = [v for v in column if math.isfinite(v)]
    if not math.isfinite(value.mean):
        return {"benchmark": benchmark.id, "label": column_label(benchmark), "value": NOTHING,
                "rank": NOTHING, "gap": NOTHING, "level": 0, "in_domain": False}  # fmt: skip
    return {
        "benchmark": benchmark.id,
        "label": column_label(benchmark),
        "value": number(value.mean, digits_of(benchmark.unit)),
        "rank": f"{value.rank or NOTHING} of {len(known)}",
        "gap": number(value.mean - float(np.median(known)), digits_of(benchmark.unit), sign=True),
        "level": level_among(value.mean, known, benchmark.direction),
        "in_domain": benchmark.id in row.in_domain,
    }
