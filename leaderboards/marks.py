"""What to doubt about a rank, in short sentences: a marked row is shown and ranked as any other."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING

from ehpsbench.leaderboards.convergence import Ending, ending, read_curve
from ehpsbench.leaderboards.groups import Group
from ehpsbench.leaderboards.in_domain import InDomain, read_in_domain
from ehpsbench.leaderboards.table import BenchmarkFacts, Standing, Standings

if TYPE_CHECKING:
    from ehpsbench.store import Store


def remarks(facts: Sequence[BenchmarkFacts], groups: Sequence[Group]) -> tuple[str, ...]:
    """What holds for all rows alike, and so marks none of them."""
    few = [f"{fact.id} ({fact.clusters})" for fact in facts if fact.few_clusters and fact.people]
    said = []
    if few:
        said.append(f"fewer than 10 clusters in {', '.join(few)}: intervals there are too narrow")
    if any(g.cell for g in groups) and not _some_have_seeds(groups):
        said.append("one seed each: the luck of training is in no interval")
    return tuple(said)


def marks_of_seeds(group: Group, groups: Sequence[Group]) -> tuple[str, ...]:
    """Cells that ended without results, and a single seed where others have more."""
    said = []
    if group.left_out:
        every = len(group.left_out) + len(group.seeds)
        what = "a cell failed" if group.cell else "left out"
        said.append(
            f"{what}: {_of(len(group.left_out), every)} without all results "
            f"({', '.join(group.left_out)})"
        )
    if group.cell and len(group.seeds) == 1 and _some_have_seeds(groups):
        said.append("one seed only: how lucky it was is taken from the other sets")
    if group.wild:
        said.append("its seeds spread far more than the others': its luck is its own")
    return tuple(said)


def judged(store: Store, found: Standings, trained: Set[str]) -> Standings:
    """The standings with what the runs of a store say of every row's cells.

    Args:
        store: with the runs.
        found: standings of its results.
        trained: the rows that are cells; models from elsewhere are not judged.
    """
    rows = (_judged(store, row) if row.name in trained else row for row in found.rows)
    return replace(found, rows=tuple(rows))


def _judged(store: Store, row: Standing) -> Standing:
    whole = [e for e in row.entries if "@" not in e]  # a rung is cut short by design
    curves = [c for e in whole if (c := read_curve(store, row.name, e))]
    ends = tuple(end for c in curves if (end := ending(c)))
    check = read_in_domain(store, row.name, row.entries)
    said = [*_of_curves(ends, len(whole)), *_of_check(check)] if row.tie_group is not None else []
    return replace(row, endings=ends, own_people=check, marks=(*row.marks, *said))


def _of_curves(ends: Sequence[Ending], curves: int) -> list[str]:
    said = []
    for kind, word in (("falling", "falls"), ("rising", "rises")):
        some = [e for e in ends if e.end == kind]
        if some:
            slope = abs(sum(e.slope_mm for e in some) / len(some))
            said.append(
                f"did not converge: the held-out error of {_of(len(some), curves)} still {word} "
                f"by {slope:.1f} mm per tenth of the budget"
            )
    if len(ends) < curves:
        lacking = _of(curves - len(ends), curves)
        said.append(f"convergence not known: no curve of {lacking} that is long enough")
    return said


def _of_check(check: InDomain | None) -> list[str]:
    if check is None:
        return ["not known whether it beats its mean pose on its own held-out people"]
    said = []
    if not check.passes:
        said.append(
            f"does not beat its mean pose on its own held-out people ({check.model_mm:.1f} against "
            f"{check.mean_pose_mm:.1f} mm {check.measure})"
        )
    if not check.independent:
        said.append("its held-out people are from recordings that it was trained on")
    return said


def _some_have_seeds(groups: Sequence[Group]) -> bool:
    return any(g.cell and len(g.seeds) > 1 for g in groups)


def _of(some: int, every: int) -> str:
    if every == 1:
        return "its one seed"
    return f"{some} of {every} seeds"
