"""Whether a ranking recovered the planted order: every claim of the table, and what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ehpsbench.demo.plan import Plan
from ehpsbench.leaderboards.in_domain import InDomain
from ehpsbench.leaderboards.table import Standings


def verdict(plan: Plan, standings: Standings, checks: Sequence[InDomain]) -> dict[str, Any]:
    """The claims of the table one by one, and whether all of them hold.

    An order holds when the better set's MPE is lower; a tie holds when the 95 % interval of the
    difference contains 0.

    Returns:
        `recovered`, `held`, `of`, `text`, and `claims`: each with `claim`, `held`, `found`.
    """
    claims = [
        *(_order(standings, better, worse) for better, worse in plan.pairs()),
        *(_tie(standings, tie.sets) for tie in plan.ties),
        *_in_domain(plan, {c.group: c for c in checks}),
    ]
    failed = [c["claim"] for c in claims if not c["held"]]
    held = len(claims) - len(failed)
    if failed:
        text = (
            f"{len(failed)} of {len(claims)} planted claims did not come out: {'; '.join(failed)}."
        )
        if any(c["claim"].endswith(" tie") for c in claims if not c["held"]):
            text += (
                " Intervals hold the luck of training and of the test recordings, not that of "
                f"which {plan.people} people a set was drawn with."
            )
    else:
        text = f"All {held} claims of the demo's table came out as planted."
    return {
        "recovered": not failed,
        "held": held,
        "of": len(claims),
        "text": text,
        "claims": claims,
    }


def _place(standings: Standings, name: str) -> int:
    return [row.name for row in standings.rows].index(name)


def _order(standings: Standings, better: str, worse: str) -> dict[str, Any]:
    i, j = _place(standings, better), _place(standings, worse)
    difference = standings.rows[j].mpe.mean - standings.rows[i].mpe.mean
    low, high = standings.difference_low[j, i], standings.difference_high[j, i]
    return {
        "claim": f"{better} before {worse}",
        "held": bool(difference > 0),
        "found": f"{difference:+.1f} ({low:+.1f} to {high:+.1f})",
    }


def _tie(standings: Standings, names: Sequence[str]) -> dict[str, Any]:
    places = [_place(standings, name) for name in names]
    pairs = [(i, j) for i in places for j in places if i < j]
    held = all(
        standings.difference_low[i, j] <= 0 <= standings.difference_high[i, j] for i, j in pairs
    )
    found = ", ".join(
        f"{standings.rows[j].mpe.mean - standings.rows[i].mpe.mean:+.1f} "
        f"({-standings.difference_high[i, j]:+.1f} to {-standings.difference_low[i, j]:+.1f})"
        for i, j in pairs
    )
    return {"claim": f"{' and '.join(names)} tie", "held": bool(held), "found": found}


def _in_domain(plan: Plan, checks: Mapping[str, InDomain]) -> list[dict[str, Any]]:
    return [_beats_mean_pose(name, checks.get(name)) for name in plan.beat_mean_pose]


def _beats_mean_pose(name: str, check: InDomain | None) -> dict[str, Any]:
    better = 0.0 if check is None else check.mean_pose_mm - check.model_mm
    return {
        "claim": f"{name} beats its mean pose on its own held-out people",
        "held": better > 0,
        "found": "not known" if check is None else f"{better:+.1f} {check.measure}",
    }
