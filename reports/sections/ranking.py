"""The ranking: who stands where, with intervals, ties and doubts."""

from __future__ import annotations

import math
from typing import Any

from ehpsbench.leaderboards.table import Standing
from ehpsbench.reports.facts import ACCESS, COMMERCIAL, Facts, duration, facts
from ehpsbench.reports.figures.forest import forest
from ehpsbench.reports.given import Given
from ehpsbench.reports.halving import halving
from ehpsbench.reports.places import Place, places
from ehpsbench.reports.scores import digits_of, score_label, score_words
from ehpsbench.reports.section import Section
from ehpsbench.reports.theme import variable_of
from ehpsbench.reports.words import NOTHING, interval, number, sortable, span

ORDER = 20


def section(given: Given) -> Section:
    """The forest plot and the table."""
    from markupsafe import Markup

    standings = given.standings
    shared, behind = places(standings), facts(given)
    label = score_label(standings)
    context = {
        "figure": Markup(forest(standings, f"{given.prefix}forest", label)),
        "rows": [_row(given, row, shared[row.name], behind[row.name]) for row in standings.rows],
        "label": label,
        "words": score_words(standings),
        "level": round(100 * standings.level),
        "left_out": any(row.rank_without for row in standings.rows),
        "in_domain": any(row.in_domain for row in standings.rows),
        "zero_shot": any(math.isfinite(row.zero_shot.mean) for row in standings.rows),
        "marked": any(row.marks for row in standings.rows),
        "licensed": any(f.licences and not f.miniature for f in behind.values()),
        "miniature": any(found.miniature for found in behind.values()),
        "filters": _filters(given, behind),
        "halving": halving(given.halved),
        "standings": standings.as_dict(),
    }
    return Section("ranking", "Ranking", "ranking.html.j2", context)


def _row(given: Given, row: Standing, place: Place, behind: Facts) -> dict[str, Any]:
    digits = digits_of(given.standings.score.unit)
    return {
        "name": row.name,
        "about": given.about.get(row.name, ""),
        "colour": variable_of(given.names, row.name),
        "place": place,
        "score": number(row.mpe.mean, digits),
        "score_value": sortable(row.mpe.mean),
        "interval": interval(row.mpe, digits),
        "low_value": sortable(row.mpe.low),
        "ranks": span(row.mpe.rank_low, row.mpe.rank_high),
        "rank_low": row.mpe.rank_low or "",
        "range": span(*(row.rank_range or (None, None))),
        "range_low": row.rank_range[0] if row.rank_range else "",
        "tie_group": row.tie_group or NOTHING,
        "domain": "in-domain" if row.in_domain else "zero-shot",
        "trained_on": ", ".join(row.in_domain),
        "zero_shot": number(row.zero_shot.mean, digits, sign=True),
        "zero_shot_value": sortable(row.zero_shot.mean),
        "out_of_domain": number(row.out_of_domain.mean, digits),
        "out_of_domain_value": sortable(row.out_of_domain.mean),
        "seeds": len(row.entries),
        "missing": ", ".join(row.missing),
        "marks": row.marks,
        "doubt": "marked" if row.marks else "unmarked",
        **_of_facts(behind),
    }


def _of_facts(behind: Facts) -> dict[str, Any]:
    return {
        "licence": "; ".join(behind.licences) or NOTHING,
        "commercial": COMMERCIAL.get(behind.commercial, NOTHING),
        "commercial_key": behind.commercial,
        "access": ACCESS.get(behind.registration, NOTHING),
        "people": f"{behind.people:,.0f}" if behind.people > 0 else NOTHING,
        "people_value": sortable(behind.people),
        "time": duration(behind.seconds),
        "seconds_value": sortable(behind.seconds),
    }


def _filters(given: Given, behind: dict[str, Facts]) -> list[dict[str, Any]]:
    """The choices above the table; only those that tell rows apart."""
    rows = given.standings.rows
    domains = [
        ("zero-shot", "zero-shot everywhere"),
        ("in-domain", "in-domain somewhere"),
    ]
    doubts = [("unmarked", "no doubts"), ("marked", "with doubts")]
    uses = [(key, words) for key, words in COMMERCIAL.items()]
    found = [
        ("domain", "Domain", domains, len({bool(row.in_domain) for row in rows})),
        ("doubt", "Doubts", doubts, len({bool(row.marks) for row in rows})),
        ("commercial", "Commercial use", uses, len({f.commercial for f in behind.values()})),
    ]
    return [
        {"key": key, "title": title, "options": options}
        for key, title, options, kinds in found
        if kinds > 1
    ]
