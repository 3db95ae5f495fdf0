"""The ranking: who stands where, with intervals, ties and doubts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ehpsbench.leaderboards.table import Standing, Value
from ehpsbench.reports.given import Given
from ehpsbench.reports.halving import halving
from ehpsbench.reports.section import Section
from ehpsbench.reports.theme import variable_of
from ehpsbench.reports.words import NOTHING, interval, number, sortable, span

ORDER = 20
BAR = (8.0, 192.0)  # left and right end of the interval bars, in their own units


def section(given: Given) -> Section:
    """The table of the ranking."""
    standings = given.standings
    scale = _scale([row.mpe for row in standings.rows])
    rows = [_row(given, line, row, scale) for line, row in enumerate(standings.rows, 1)]
    context = {
        "rows": rows,
        "level": round(100 * standings.level),
        "left_out": any(row.rank_without for row in standings.rows),
        "any_in_domain": any(row["trained_on"] for row in rows),
        "marked": any(row["marks"] for row in rows),
        "halving": halving(given.halved),
        "standings": standings.as_dict(),
    }
    return Section("ranking", "Ranking", "ranking.html.j2", context)


def _row(given: Given, line: int, row: Standing, scale: tuple[float, float]) -> dict[str, Any]:
    return {
        "line": line,
        "name": row.name,
        "about": given.about.get(row.name, ""),
        "colour": variable_of(given.names, row.name),
        "rank": row.mpe.rank or NOTHING,
        "rank_low": row.mpe.rank_low or "",
        "ranks": span(row.mpe.rank_low, row.mpe.rank_high),
        "mpe": number(row.mpe.mean),
        "mpe_value": sortable(row.mpe.mean),
        "interval": interval(row.mpe),
        "bar": _bar(row.mpe, scale),
        "tie_group": row.tie_group or NOTHING,
        "missing": ", ".join(row.missing),
        "zero_shot": number(row.zero_shot.mean, sign=True),
        "zero_shot_value": sortable(row.zero_shot.mean),
        "seeds": len(row.entries),
        "range": span(*(row.rank_range or (None, None))),
        "range_low": row.rank_range[0] if row.rank_range else "",
        "out_of_domain": number(row.out_of_domain.mean),
        "out_of_domain_value": sortable(row.out_of_domain.mean),
        "out_of_domain_interval": interval(row.out_of_domain),
        "trained_on": ", ".join(row.in_domain),
        "marks": row.marks,
    }


def _scale(values: Sequence[Value]) -> tuple[float, float]:
    """Lowest and highest end of all intervals."""
    ends = [e for v in values for e in (v.low, v.high, v.mean) if math.isfinite(e)]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


def _bar(value: Value, scale: tuple[float, float]) -> dict[str, str] | None:
    if not math.isfinite(value.mean):
        return None
    width = (scale[1] - scale[0]) or 1.0

    def place(number: float) -> str:
        share = (number - scale[0]) / width
        return f"{BAR[0] + share * (BAR[1] - BAR[0]):.1f}"

    low, high = (e if math.isfinite(e) else value.mean for e in (value.low, value.high))
    return {"low": place(low), "high": place(high), "mean": place(value.mean)}
