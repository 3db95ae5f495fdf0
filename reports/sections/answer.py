"""The answer in short: who leads, who cannot be told apart, what is unfinished."""

from __future__ import annotations

from ehpsbench.reports.given import Given
from ehpsbench.reports.section import Section
from ehpsbench.reports.words import listed, number

ORDER = 5


def section(given: Given) -> Section:
    """A few honest sentences from the standings."""
    return Section("answer", "In short", "answer.html.j2", {"summary": _summary(given)})


def _summary(given: Given) -> str:
    ranked = [row for row in given.standings.rows if row.tie_group is not None]
    count = len(given.standings.rows)
    if not ranked:
        return f"{count} training sets; none has results on all benchmarks, so none is ranked."
    best = [row.name for row in ranked if row.tie_group == 1]
    verb = "leads" if len(best) == 1 else "lead, and cannot be told apart"
    return (
        f"{count} training sets, all under one budget, {len(given.standings.benchmarks)} "
        f"benchmarks. {listed(best)} {verb}: mean primary error {number(ranked[0].mpe.mean)} mm."
    )
