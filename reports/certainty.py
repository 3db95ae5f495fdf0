"""How sure the order is: who beats whom, and where everybody stands without each benchmark."""

from __future__ import annotations

import math
from typing import Any

from ehpsbench.leaderboards.table import Standings
from ehpsbench.reports.levels import level_of_share
from ehpsbench.reports.scores import digits_of, unit_after
from ehpsbench.reports.words import number


def beats(standings: Standings) -> list[dict[str, Any]]:
    """The lines of P(row better than column), for those that are ranked.

    Returns:
        Each with `name`, `place`, and `cells`: text, step of colour, a title with the difference.
    """
    ranked = [i for i, row in enumerate(standings.rows) if row.tie_group is not None]
    names = [row.name for row in standings.rows]
    return [
        {
            "name": names[i],
            "place": place,
            "cells": [_pair(standings, i, j) for j in ranked],
        }
        for place, i in enumerate(ranked, 1)
    ]


def _pair(standings: Standings, i: int, j: int) -> dict[str, Any]:
    one, other = standings.rows[i], standings.rows[j]
    if i == j:
        return {"text": "", "title": "", "value": "", "level": 0, "own": True}
    share = float(standings.beats[i, j])
    low, high = standings.difference_low[i, j], standings.difference_high[i, j]
    gap = one.mpe.mean - other.mpe.mean
    unit, digits = unit_after(standings.score.unit), digits_of(standings.score.unit)
    ends = f"{number(low, digits, sign=True)} to {number(high, digits, sign=True)}"
    return {
        "text": percent(share),
        "title": f"{one.name} − {other.name}: {number(gap, digits, sign=True)}{unit} ({ends})",
        "value": f"{share:.4f}",
        "level": level_of_share(share),
        "own": False,
    }


def percent(share: float) -> str:
    """Whole per cent; what was never drawn otherwise is not called certain."""
    if share >= 0.995:
        return ">99"
    return "<1" if share <= 0.005 else f"{100 * share:.0f}"


def left_out(standings: Standings) -> dict[str, Any] | None:
    """Ranks without each benchmark that counts; None where that is one, or nobody is ranked.

    Returns:
        `benchmarks`, `rows` (name, rank, range, and for each benchmark the rank and how far it
        moved), and `agreement`: Kendall's tau with the order by MPE, for each benchmark.
    """
    rows = [row for row in standings.rows if row.rank_without and row.mpe.rank is not None]
    if not rows:
        return None
    ids = [b.id for b in standings.benchmarks if b.counts]
    return {
        "benchmarks": ids,
        "rows": [
            {
                "name": row.name,
                "rank": row.mpe.rank,
                "cells": [_moved(row.rank_without[b], row.mpe.rank or 0) for b in ids],
            }
            for row in rows
        ],
        "agreement": [_tau(standings.agreement.get(b, math.nan)) for b in ids],
    }


def _moved(rank: int, before: int) -> dict[str, Any]:
    """A rank, and by how many places it is better (▲) or worse (▼) than with all benchmarks."""
    by = before - rank
    sign = f"▲{by}" if by > 0 else f"▼{-by}" if by < 0 else ""
    return {"rank": rank, "moved": sign, "kind": "up" if by > 0 else "down" if by < 0 else ""}


def _tau(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"
