"""Can these ranks be defended: what was checked, and what each check came to."""

from __future__ import annotations

from typing import Any, Literal

from ehpsbench.leaderboards.entrants import NOT_KNOWN
from ehpsbench.leaderboards.table import Standing, Standings
from ehpsbench.reports.certainty import left_out
from ehpsbench.reports.given import Given
from ehpsbench.reports.section import Section
from ehpsbench.reports.theme import variable_of
from ehpsbench.reports.words import listed, number

ORDER = 50
Answer = Literal["yes", "partly", "no"]
SIGNS = {"yes": "✓ yes", "partly": "⚠ in part", "no": "✗ no"}
STEADY = 0.8  # Kendall's tau of an order that one benchmark does not turn over


def section(given: Given) -> Section | None:
    """A list of questions with answers, and the tables behind them; None where nobody is ranked."""
    if not any(row.tie_group is not None for row in given.standings.rows):
        return None
    context = {
        "questions": _questions(given),
        "left_out": left_out(given.standings),
        "checks": [_check(given, row) for row in given.standings.rows if row.own_people],
        "colours": {name: variable_of(given.names, name) for name in given.names},
    }
    return Section(
        "defence", "Can these ranks be defended?", "defence.html.j2", context, menu="Defence"
    )


def _questions(given: Given) -> list[dict[str, str]]:
    standings = given.standings
    ranked = [row for row in standings.rows if row.tie_group is not None]
    found = [
        _complete(standings, ranked),
        _told_apart(ranked),
        *((_seeds(ranked),) if given.cells else ()),
        _clusters(standings),
        *((_steady(standings),) if standings.agreement else ()),
        *((_converged(ranked),) if any(row.endings for row in ranked) else ()),
        *((_taught(ranked),) if any(row.own_people for row in ranked) else ()),
        _unseen(ranked),
    ]
    return [{"question": q, "answer": a, "sign": SIGNS[a], "words": w} for q, a, w in found]


Found = tuple[str, Answer, str]


def _share(some: int, every: int) -> Answer:
    return "yes" if some == every else "partly" if some else "no"


def _complete(standings: Standings, ranked: list[Standing]) -> Found:
    missing = [row.name for row in standings.rows if row.tie_group is None]
    failed = sum(len(row.left_out) for row in ranked)
    words = f"{len(ranked)} of {len(standings.rows)} rows are ranked"
    words += f"; missing: {listed(missing)}" if missing else ""
    words += f"; {failed} cells ended without results" if failed else ""
    answer = _share(len(ranked), len(standings.rows))
    return "Is everybody there?", "partly" if failed and answer == "yes" else answer, words


def _told_apart(ranked: list[Standing]) -> Found:
    groups = len({row.tie_group for row in ranked})
    words = f"{len(ranked)} ranked rows fall into {groups} tie group{'s' * (groups != 1)}"
    answer: Answer = "yes" if groups == len(ranked) else "partly" if groups > 1 else "no"
    return "Can neighbours be told apart?", answer, words


def _seeds(ranked: list[Standing]) -> Found:
    counts = sorted({len(row.entries) for row in ranked})
    words = f"{listed([str(c) for c in counts])} seed{'s' * (counts != [1])} a training set"
    several = sum(len(row.entries) > 1 for row in ranked)
    return "Is the luck of training in the intervals?", _share(several, len(ranked)), words


def _clusters(standings: Standings) -> Found:
    counted = [b for b in standings.benchmarks if b.counts]
    few = [f"{b.id} ({b.clusters})" for b in counted if b.few_clusters]
    enough = len(counted) - len(few)
    words = "at least 10 on every benchmark" if not few else f"fewer than 10 on {listed(few)}"
    return "Are there recordings enough?", _share(enough, len(counted)), words


def _steady(standings: Standings) -> Found:
    worst = min(standings.agreement, key=lambda b: standings.agreement[b])
    tau = standings.agreement[worst]
    words = f"Kendall's tau with the order of all is at least {number(tau, 2)} (without {worst})"
    answer: Answer = "yes" if tau >= STEADY else "partly" if tau >= STEADY / 2 else "no"
    return "Does the order hold without any one benchmark?", answer, words


def _converged(ranked: list[Standing]) -> Found:
    ends = [end for row in ranked for end in row.endings]
    done = sum(end.end == "converged" for end in ends)
    words = f"{done} of {len(ends)} cells; the others' ranks may change with a larger budget"
    if done == len(ends):
        words = f"all {len(ends)} cells"
    return "Had every cell converged?", _share(done, len(ends)), words


def _taught(ranked: list[Standing]) -> Found:
    checks = [row.own_people for row in ranked if row.own_people is not None]
    passed = sum(check.passes for check in checks)
    words = f"{passed} of {len(checks)} beat their mean pose on their own held-out people"
    return "Does every set teach its own people?", _share(passed, len(checks)), words


def _unseen(ranked: list[Standing]) -> Found:
    own = [row.name for row in ranked if row.in_domain]
    unknown = [row.name for row in ranked if NOT_KNOWN in row.marks and not row.in_domain]
    said = []
    if own:
        said.append(f"trained on data of a benchmark: {listed(own)}; see the zero-shot column")
    if unknown:
        said.append(f"nobody knows what trained {listed(unknown)}")
    words = "; ".join(said) or "no row was trained on a benchmark's data"
    unseen = len(ranked) - len(own) - len(unknown)
    return "Are the benchmarks unseen?", _share(unseen, len(ranked)), words


def _check(given: Given, row: Standing) -> dict[str, Any]:
    check = row.own_people
    if check is None:
        return {}
    return {
        "name": row.name,
        "colour": variable_of(given.names, row.name),
        "model": number(check.model_mm),
        "mean_pose": number(check.mean_pose_mm),
        "measure": check.measure,
        "rows": check.rows,
        "independent": check.independent,
        "passes": check.passes,
    }
