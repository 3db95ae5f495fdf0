"""Can these ranks be defended: without each benchmark, and on each set's own people."""

from __future__ import annotations

from ehpsbench.reports.certainty import left_out
from ehpsbench.reports.given import Given
from ehpsbench.reports.section import Section
from ehpsbench.reports.theme import variable_of
from ehpsbench.reports.words import number

ORDER = 50


def section(given: Given) -> Section | None:
    """What the order hangs on."""
    without = left_out(given.standings)
    checks = [
        {
            "name": c.group,
            "colour": variable_of(given.names, row.name),
            "model": number(c.model_mm),
            "mean_pose": number(c.mean_pose_mm),
            "measure": c.measure,
            "rows": c.rows,
            "independent": c.independent,
            "passes": c.passes,
        }
        for row in given.standings.rows
        if (c := row.own_people) is not None
    ]
    if without is None and not checks:
        return None
    context = {
        "left_out": without,
        "checks": checks,
        "colours": {name: variable_of(given.names, name) for name in given.names},
    }
    return Section("defence", "Can these ranks be defended?", "defence.html.j2", context)
