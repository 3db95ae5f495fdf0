"""P(row better than column), for every pair that is ranked."""

from __future__ import annotations

from ehpsbench.reports.certainty import beats
from ehpsbench.reports.given import Given
from ehpsbench.reports.section import Section
from ehpsbench.reports.theme import variable_of

ORDER = 40


def section(given: Given) -> Section | None:
    """The matrix of pairs; None where fewer than two are ranked."""
    lines = beats(given.standings)
    if len(lines) < 2:
        return None
    context = {
        "lines": lines,
        "colours": {name: variable_of(given.names, name) for name in given.names},
        "level": round(100 * given.standings.level),
    }
    return Section("pairs", "Who beats whom", "pairs.html.j2", context, menu="Pairs")
