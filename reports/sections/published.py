"""Numbers that others reported, beside our own and clearly marked; never ranked together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ehpsbench.leaderboards.published import CERTAINTY, Cell, Column, PublishedTable, published
from ehpsbench.leaderboards.spelling import spelled
from ehpsbench.leaderboards.table import BenchmarkFacts
from ehpsbench.reports.given import Given
from ehpsbench.reports.scores import column_label, digits_of, with_unit
from ehpsbench.reports.section import Section
from ehpsbench.reports.words import NOTHING, number, sortable

ORDER = 120
WHOLE = ("all", "body", "")  # parts that a board's primary numbers are of
EMPTY = {"text": NOTHING, "value": "", "title": "", "certainty": ""}


def section(given: Given) -> Section | None:
    """The board's own columns with reported rows below ours, and every table as it was printed."""
    tables = published(str(given.standings.board["name"]))
    if not tables:
        return None
    context = {
        "heads": [{"id": b.id, "label": column_label(b)} for b in given.standings.benchmarks],
        "rows": [*_ours(given), *_reported(given.standings.benchmarks, tables)],
        "tables": [_table(table) for table in tables],
        "certainty": CERTAINTY,
        "open_body": given.bodies is not None and given.bodies.name.startswith("open"),
    }
    return Section("published", "Reported by others", "published.html.j2", context, menu="Reported")


def _ours(given: Given) -> list[dict[str, Any]]:
    return [
        {
            "kind": "measured here",
            "name": row.name,
            "training": "",
            "cells": [_own(row.errors[b.id].mean, b.unit) for b in given.standings.benchmarks],
            "source": "this report",
        }
        for row in given.standings.rows
    ]


def _own(value: float, unit: str) -> dict[str, str]:
    return EMPTY | {"text": number(value, digits_of(unit)), "value": sortable(value)}


def _reported(
    benchmarks: Sequence[BenchmarkFacts], tables: Sequence[PublishedTable]
) -> list[dict[str, Any]]:
    """Reported rows that have a number in one of the board's columns, by its own definition."""
    found: dict[tuple[str, str], dict[str, Cell]] = {}
    for table in tables:
        for row, column, cell in table.cells:
            for benchmark in benchmarks:
                if _same(column, cell, benchmark):
                    found.setdefault((row.entry, row.training), {})[benchmark.id] = cell
    return [
        {
            "kind": "reported",
            "name": entry,
            "training": training,
            "cells": [_cell(cells.get(b.id)) for b in benchmarks],
            "source": "; ".join(dict.fromkeys(cell.source for cell in cells.values())),
        }
        for (entry, training), cells in found.items()
    ]


def _same(column: Column, cell: Cell, benchmark: BenchmarkFacts) -> bool:
    return (
        cell.protocol == benchmark.protocol
        and column.metric == benchmark.primary
        and column.part in WHOLE
    )


def _cell(cell: Cell | None) -> dict[str, str]:
    if cell is None:
        return EMPTY
    said = [cell.source, CERTAINTY[cell.certainty], cell.protocol, cell.note]
    return {
        "text": cell.printed.replace("-", "−"),
        "value": sortable(cell.value if math.isfinite(cell.value) else None),
        "title": "; ".join(word for word in said if word),
        "certainty": cell.certainty,
    }


def _table(table: PublishedTable) -> Mapping[str, Any]:
    return {
        "name": table.name,
        "title": table.title,
        "heads": [_head(column) for column in table.columns],
        "rows": [
            {
                "name": row.entry,
                "training": row.training,
                "cells": [_cell(row.cells.get(column)) for column in table.columns],
            }
            for row in table.rows
        ],
        "sources": table.sources,
    }


def _head(column: Column) -> dict[str, str]:
    unit = "" if column.unit == "1" else column.unit
    return {
        "benchmark": "" if column.benchmark == "model" else column.benchmark,
        "label": with_unit(spelled(column.metric), unit),
        "part": "" if column.part in WHOLE else column.part,
    }
