"""Which dataset should be licensed next: the answer in short, with what speaks against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ehpsbench.leaderboards.table import Standing
from ehpsbench.reports.facts import ACCESS, COMMERCIAL, Facts, duration, facts
from ehpsbench.reports.given import Given
from ehpsbench.reports.places import places
from ehpsbench.reports.scores import digits_of, score_label, unit_after
from ehpsbench.reports.section import Section
from ehpsbench.reports.words import NOTHING, interval, listed, number

ORDER = 5
MOST = 8  # lines of the table; a larger tie group is cut, and said to be


def section(given: Given) -> Section:
    """The first tie group with licence and cost, and what is unfinished."""
    ranked = [row for row in given.standings.rows if row.tie_group is not None]
    best = [row for row in ranked if row.tie_group == 1]
    behind, digits = facts(given), digits_of(given.standings.score.unit)
    made = any(behind[row.name].miniature for row in best)
    context = {
        "headline": _headline(given, ranked, best),
        "lines": [_line(row, behind[row.name], digits) for row in best[:MOST]],
        "more": len(best) - MOST,
        "label": score_label(given.standings),
        "licensed": any(behind[row.name].licences for row in best) and not made,
        "miniature": made,
        "next": _next(given, ranked),
        "caveats": _caveats(given, best, behind),
    }
    title = "Which dataset should be licensed next?" if given.cells else "In short"
    title = "Which training set is worth most?" if made else title
    return Section("answer", title, "answer.html.j2", context, menu="Answer")


def _headline(given: Given, ranked: Sequence[Standing], best: Sequence[Standing]) -> str:
    count = len(given.standings.rows)
    if not ranked:
        return f"{count} training sets; none has results on all benchmarks, so none is ranked."
    names = listed([row.name for row in best[:MOST]])
    if len(best) == 1:
        return f"{names} leads {len(ranked)} ranked sets, and can be told from every other."
    if len(best) == len(ranked):
        return f"No answer yet: none of the {len(ranked)} ranked sets can be told from the best."
    return (
        f"Any of {names}: they lead {len(ranked)} ranked sets, and cannot be told from the best "
        "among them."
    )


def _line(row: Standing, behind: Facts, digits: int) -> dict[str, Any]:
    return {
        "name": row.name,
        "score": number(row.mpe.mean, digits),
        "interval": interval(row.mpe, digits),
        "commercial": COMMERCIAL.get(behind.commercial, NOTHING),
        "access": ACCESS.get(behind.registration, NOTHING),
        "licence": "; ".join(behind.licences) or NOTHING,
        "people": f"{behind.people:,.0f}" if behind.people > 0 else NOTHING,
        "time": duration(behind.seconds),
    }


def _next(given: Given, ranked: Sequence[Standing]) -> str:
    """Who follows, and by how much at least."""
    followers = [row for row in ranked if row.tie_group == 2]
    if not followers:
        return ""
    standings = given.standings
    leader, first = given.names.index(ranked[0].name), given.names.index(followers[0].name)
    gap = abs(followers[0].mpe.mean - ranked[0].mpe.mean)
    sides = standings.difference_low[first, leader], standings.difference_high[first, leader]
    low, high = sorted(abs(float(end)) for end in sides)
    unit, digits = unit_after(standings.score.unit), digits_of(standings.score.unit)
    names = listed([row.name for row in followers[:MOST]])
    shared = places(standings)[followers[0].name].words
    comes, whose = f"comes {names} ({shared})", ""
    if len(followers) > 1:
        comes = f"come {names} ({shared.replace('shares', 'share')})"
        whose = f"{followers[0].name} is "
    return (
        f"Next {comes}: {whose}{number(gap, digits)}{unit} behind {ranked[0].name}, interval "
        f"{number(low, digits)} to {number(high, digits)}."
    )


def _caveats(given: Given, best: Sequence[Standing], behind: Mapping[str, Facts]) -> list[str]:
    """What is unfinished, or speaks against the answer; the best ones' doubts by name."""
    rows = given.standings.rows
    said = [f"{row.name}: {'; '.join(row.marks)}." for row in best[:MOST] if row.marks]
    helped = [row.name for row in best if row.in_domain]
    if helped:
        said.append(
            f"{listed(helped[:MOST])}: trained on data of benchmarks of this board; see the "
            "zero-shot column."
        )
    missing = [row.name for row in rows if row.tie_group is None]
    if missing:
        said.append(f"Not ranked yet, results are missing: {listed(missing[:MOST])}.")
    leaders = [(row.name, behind[row.name]) for row in best]
    closed = [name for name, f in leaders if f.commercial == "no" and not f.miniature]
    if closed:
        said.append(f"No commercial use: {listed(closed[:MOST])}.")
    return [*said, *(f"{remark[0].upper()}{remark[1:]}." for remark in given.standings.remarks)]
