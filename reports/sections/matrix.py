"""Training sets × benchmarks: every primary error with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ehpsbench.leaderboards.table import BenchmarkFacts, Standing
from ehpsbench.reports.figures import heat
from ehpsbench.reports.given import Given
from ehpsbench.reports.section import Section
from ehpsbench.reports.theme import variable_of
from ehpsbench.reports.words import NOTHING, interval, listed, number, sortable

ORDER = 30


def section(given: Given) -> Section:
    """A heat map as a table, each column by itself."""
    standings = given.standings
    columns = {b.id: [r.errors[b.id].mean for r in standings.rows] for b in standings.benchmarks}
    few = [b.id for b in standings.benchmarks if b.few_clusters]
    context = {
        "rows": [
            {
                "name": row.name,
                "colour": variable_of(given.names, row.name),
                "cells": [_cell(row, b, columns[b.id]) for b in standings.benchmarks],
            }
            for row in standings.rows
        ],
        "few": listed(few),
        "few_count": len(few),
    }
    return Section("matrix", "Train × benchmark", "matrix.html.j2", context)


def _cell(row: Standing, benchmark: BenchmarkFacts, column: Sequence[float]) -> dict[str, Any]:
    value = row.errors[benchmark.id]
    known = [v for v in column if math.isfinite(v)]
    if not math.isfinite(value.mean):
        return {
            "text": NOTHING, "interval": "", "value": "", "in_domain": False, "best": False,
            "background": "transparent", "ink": "inherit",
        }  # fmt: skip
    background, ink = heat(value.mean, min(known), max(known))
    return {
        "text": number(value.mean),
        "interval": interval(value),
        "value": sortable(value.mean),
        "in_domain": benchmark.id in row.in_domain,
        "best": value.mean == min(known),
        "background": background,
        "ink": ink,
    }
