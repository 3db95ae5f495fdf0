"""What became of the demo's planted order."""

from __future__ import annotations

from ehpsbench.reports.given import Given
from ehpsbench.reports.section import Section

ORDER = 10


def section(given: Given) -> Section | None:
    """The claims of the plan that held, and those that did not."""
    if given.verdict is None:
        return None
    title = f"{given.verdict['held']} of {given.verdict['of']} planted claims came out"
    return Section("verdict", title, "verdict.html.j2", {"verdict": given.verdict}, menu="Verdict")
