"""How every cell learnt, and whether it had learnt what its set teaches."""

from __future__ import annotations

from typing import Any

from ehpsbench.leaderboards.convergence import LIMIT, Ending
from ehpsbench.reports.figures.curves import learning_curves
from ehpsbench.reports.given import Given
from ehpsbench.reports.section import Section
from ehpsbench.reports.theme import variable_of
from ehpsbench.reports.words import number, sortable

ORDER = 70
ENDS = {"converged": "✓ converged", "falling": "✗ still falling", "rising": "✗ rising"}


def section(given: Given) -> Section | None:
    """The learning curves, and the slope of each one's end."""
    if not given.first or not any(len(curve.samples) > 1 for curve in given.curves):
        return None
    from markupsafe import Markup

    endings = [_line(given, row.name, end) for row in given.standings.rows for end in row.endings]
    context = {
        "figure": Markup(
            learning_curves(given.curves, given.names, f"{given.prefix}curves-figure")
        ),
        "endings": endings,
        "unconverged": sum(line["unconverged"] for line in endings),
        "limit": round(100 * LIMIT),
    }
    return Section("curves", "Learning curves", "curves.html.j2", context, menu="Curves")


def _line(given: Given, name: str, end: Ending) -> dict[str, Any]:
    share = 100 * end.slope_mm / end.error_mm
    return {
        "colour": variable_of(given.names, name),
        "cell": end.cell,
        "error": number(end.error_mm),
        "slope": number(end.slope_mm, 2, sign=True),
        "slope_value": sortable(end.slope_mm),
        "slope_error": number(end.slope_error_mm, 2),
        "share": number(share, 2, sign=True),
        "share_value": sortable(share),
        "end": ENDS[end.end],
        "unconverged": end.end != "converged",
    }
