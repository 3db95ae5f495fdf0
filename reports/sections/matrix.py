"""Training sets × benchmarks: every primary number with its interval."""

from __future__ import annotations

import math
from typing import Any

import pyarrow.parquet as pq

from ehpsbench.evaluation.results import rows_path
from ehpsbench.leaderboards.table import BenchmarkFacts, Standing
from ehpsbench.reports.given import Given
from ehpsbench.reports.levels import level_among
from ehpsbench.reports.scores import column_label, digits_of
from ehpsbench.reports.section import Section
from ehpsbench.reports.theme import variable_of
from ehpsbench.reports.words import NOTHING, interval, listed, number, sortable

ORDER = 30


def section(given: Given) -> Section:
    """A heat map as a table, each column by itself."""
    standings = given.standings
    few = [b.id for b in standings.benchmarks if b.few_clusters]
    columns = {b.id: [r.errors[b.id].mean for r in standings.rows] for b in standings.benchmarks}
    context = {
        "benchmarks": [_head(given, b) for b in standings.benchmarks],
        "rows": [
            {
                "name": row.name,
                "colour": variable_of(given.names, row.name),
                "cells": [_cell(row, b, columns[b.id]) for b in standings.benchmarks],
            }
            for row in standings.rows
        ],
        "any_in_domain": any(row.in_domain for row in standings.rows),
        "few": listed(few),
        "few_count": len(few),
    }
    return Section("matrix", "Train × benchmark", "matrix.html.j2", context, menu="Matrix")


def _head(given: Given, benchmark: BenchmarkFacts) -> dict[str, Any]:
    return {
        "id": benchmark.id,
        "label": column_label(benchmark),
        "better": f"{benchmark.direction} is better",
        "scored": f"{benchmark.people:,} {_scored(given, benchmark)}",
        "clusters": f"{benchmark.clusters:,}",
        "one_cluster": benchmark.clusters == 1,
        "few": benchmark.few_clusters,
        "counts": benchmark.counts,
    }


def _scored(given: Given, benchmark: BenchmarkFacts) -> str:
    """What the rows of its results are: people or images."""
    found = given.summaries.get(benchmark.protocol or benchmark.id, {})
    if benchmark.kind == "people" or given.store is None or not found:
        return "people"
    one = next(iter(found.values()))
    schema = pq.read_schema(rows_path(given.store, one["entry"], one["benchmark"]))
    return "images" if "image_id" in schema.names else "people"


def _cell(row: Standing, benchmark: BenchmarkFacts, column: list[float]) -> dict[str, Any]:
    value = row.errors[benchmark.id]
    if not math.isfinite(value.mean):
        return {
            "text": NOTHING, "interval": "", "value": "", "in_domain": False, "best": False,
            "level": 0,
        }  # fmt: skip
    digits = digits_of(benchmark.unit)
    known = [v for v in column if math.isfinite(v)]
    best = min(known) if benchmark.direction == "lower" else max(known)
    return {
        "text": number(value.mean, digits),
        "interval": interval(value, digits),
        "value": sortable(value.mean),
        "in_domain": benchmark.id in row.in_domain,
        "best": value.mean == best,
        "level": level_among(value.mean, known, benchmark.direction),
    }
