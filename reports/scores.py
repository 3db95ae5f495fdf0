"""What the rows of a board are ordered by, and what its columns hold, in words."""

from __future__ import annotations

from ehpsbench.leaderboards.spelling import spelled
from ehpsbench.leaderboards.table import BenchmarkFacts, Standings


def score_name(standings: Standings) -> str:
    """What is ranked by: "MPE"."""
    return spelled(standings.score.name)


def score_label(standings: Standings) -> str:
    """What is ranked by, with its unit: "MPE [mm]"."""
    return with_unit(score_name(standings), standings.score.unit)


def score_words(standings: Standings) -> str:
    """How the rows are ordered, in a few words."""
    ids = [b.id for b in standings.benchmarks if b.counts]
    over = f" over {len(ids)} benchmarks" if len(ids) > 1 else f" on {ids[0]}"
    return f"{score_name(standings)}{over}; {standings.score.direction} is better"


def column_label(benchmark: BenchmarkFacts) -> str:
    """What a benchmark's column holds: "PVE [mm]"."""
    return with_unit(spelled(benchmark.primary), benchmark.unit)


def with_unit(name: str, unit: str) -> str:
    """A name, and its unit in brackets where it has one."""
    return f"{name} [{unit}]" if unit not in ("", "1") else name


def digits_of(unit: str) -> int:
    """How many digits after the point a number of that unit is shown with."""
    return {"1": 3, "m": 3}.get(unit, 1)


def unit_after(unit: str) -> str:
    """What stands behind a difference in a sentence; that of two percentages is in points."""
    return {"": "", "1": "", "%": " points"}.get(unit, f" {unit}")
