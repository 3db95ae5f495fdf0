"""How verbs print a board that is filled in: the order, then the numbers of each benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ehpsbench.cli import console

if TYPE_CHECKING:
    from ehpsbench.leaderboards.table import BenchmarkFacts, Standing, Standings, Value


def print_standings(found: Standings) -> None:
    """Write a board: a row per group, best first, with intervals, tie groups and marks."""
    from ehpsbench.leaderboards.digits import NOTHING, with_unit
    from ehpsbench.leaderboards.spelling import spelled

    unit = found.score.unit
    relative = any(row.zero_shot.rank is not None for row in found.rows)
    head = ["rank", "training set or model", with_unit(spelled(found.score.name), unit), "95 %"]
    head += ["ranks", "without one", "tie group", *(["zero-shot", "its rank"] * relative), ""]
    rows = []
    for row in found.rows:
        without = row.rank_range
        cells = [found.shown_rank(row), row.name, *_value(row.mpe, unit)]
        cells.append(f"{row.mpe.rank_low}–{row.mpe.rank_high}" if row.mpe.rank else NOTHING)
        cells.append(f"{without[0]}–{without[1]}" if without else NOTHING)
        cells.append(str(row.tie_group or NOTHING))
        if relative:
            cells += [_value(row.zero_shot, unit)[0], str(row.zero_shot.rank or NOTHING)]
        rows.append([*cells, "!" if row.marks or row.missing else ""])
    console.print_table(str(found.board["title"]), head, rows)
    if len(found.benchmarks) > 1:
        _print_numbers(found)
    _print_marks(found)


def _print_numbers(found: Standings) -> None:
    """A column for each benchmark; what trained a row is starred."""
    from ehpsbench.leaderboards.digits import digits

    head = ["", *(_column(fact) for fact in found.benchmarks)]
    rows = [
        [
            row.name,
            *(
                digits(row.errors[f.id].mean, f.unit) + "*" * (f.id in row.in_domain)
                for f in found.benchmarks
            ),
        ]
        for row in found.rows
    ]
    console.print_table("", head, rows)
    if any(row.in_domain for row in found.rows):
        console.out.print("* trained on data of the benchmark, or on data that overlap with them")
    if shown := [fact.id for fact in found.benchmarks if not fact.counts]:
        console.out.print(f"Shown only, not in the order: {', '.join(shown)}", soft_wrap=True)


def _column(fact: BenchmarkFacts) -> str:
    from ehpsbench.leaderboards.digits import with_unit

    arrow = "↑" if fact.direction == "higher" else "↓"
    return f"{with_unit(fact.id, fact.unit)} {arrow}"


def _value(value: Value, unit: str) -> tuple[str, str]:
    """A number and its interval."""
    from ehpsbench.leaderboards.digits import NOTHING, digits

    if value.rank is None:
        return NOTHING, NOTHING
    return digits(value.mean, unit), f"{digits(value.low, unit)} to {digits(value.high, unit)}"


def _print_marks(found: Standings) -> None:
    """What to doubt about each row, and about all."""
    for row in found.rows:
        if said := [*_lacks(found, row), *row.marks]:
            console.out.print(f"! {row.name}: {'; '.join(said)}", soft_wrap=True)
    for remark in found.remarks:
        console.out.print(f"! all: {remark}", soft_wrap=True)


def _lacks(found: Standings, row: Standing) -> list[str]:
    from ehpsbench.leaderboards.spelling import spelled

    if not row.missing:
        return []
    return [f"no {spelled(found.score.name)}: lacks {', '.join(row.missing)}"]
