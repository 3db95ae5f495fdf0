"""`ehpsbench leaderboard published [BOARD]`, and reported numbers beside a board."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehpsbench.cli.options import JsonOption

if TYPE_CHECKING:
    from ehpsbench.leaderboards.beside import Place
    from ehpsbench.leaderboards.published import PublishedTable
    from ehpsbench.leaderboards.table import Standings


def show(
    board: Annotated[
        str | None, typer.Argument(help="Of this board.", show_default="list all tables")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show what others report, with sources; printed means are recomputed first."""
    from ehpsbench.cli import console
    from ehpsbench.leaderboards.board import board as find_board
    from ehpsbench.leaderboards.published import published
    from ehpsbench.leaderboards.published_means import check_means

    checked = check_means()
    tables = published(None if board is None else find_board(board).name)
    if json:
        console.print_json([row for table in tables for row in _rows(table)])
    elif board is None:
        rows = [(t.board, t.title, sum(1 for _ in t.cells), "; ".join(t.sources)) for t in tables]
        console.print_table("Reported by others", ("board", "table", "numbers", "sources"), rows)
        slips = sum(c.erratum is not None for c in checked)
        console.out.print(
            f"{len(checked)} printed numbers were recomputed from others of their row; {slips} do "
            "not follow, and are noted as slips of their source."
        )
    else:
        for table in tables:
            _print_table(table)


def _rows(table: PublishedTable) -> list[dict[str, Any]]:
    return [
        {
            "board": table.board,
            "table": table.title,
            "entry": row.entry,
            "training": row.training,
            "benchmark": column.benchmark,
            "metric": column.metric,
            "part": column.part,
            "value": cell.value,
            "printed": cell.printed,
            "unit": column.unit,
            "protocol": cell.protocol,
            "source": cell.source,
            "certainty": cell.certainty,
            "note": cell.note,
        }
        for row, column, cell in table.cells
    ]


def _print_table(table: PublishedTable) -> None:
    from ehpsbench.cli import console
    from ehpsbench.leaderboards.digits import NOTHING, with_unit
    from ehpsbench.leaderboards.spelling import spelled

    names = [f"{c.benchmark} {spelled(c.metric)} {c.part}".strip() for c in table.columns]
    head = ["", *(with_unit(n, c.unit) for n, c in zip(names, table.columns, strict=True))]
    rows = [
        [row.entry, *(row.cells[c].printed if c in row.cells else NOTHING for c in table.columns)]
        for row in table.rows
    ]
    console.print_table(f"{table.title} (reported)", head, rows)
    console.out.print(f"Sources: {'; '.join(table.sources)}", soft_wrap=True)
    for row, column, cell in table.cells:
        if "erratum" in cell.note:
            line = f"! {row.entry}, {column.metric} {column.part}: {cell.note}"
            console.out.print(line, soft_wrap=True)


def with_reported(standings: Standings, board: str) -> tuple[Place, ...]:
    """Ours and reported ones in one order; see `ehpsbench.leaderboards.beside.together`."""
    from ehpsbench.leaderboards.beside import together
    from ehpsbench.leaderboards.board import board as find_board

    return together(standings, find_board(board))


def as_dict(standings: Standings, places: Sequence[Place] | None) -> dict[str, Any]:
    """For JSON."""
    found = standings.as_dict()
    return found if places is None else found | {"with_published": [p.as_dict() for p in places]}


def print_together(standings: Standings, places: Sequence[Place]) -> None:
    """Write one order of ours and reported ones, and what it is not."""
    from ehpsbench.cli import console
    from ehpsbench.leaderboards.digits import digits, with_unit
    from ehpsbench.leaderboards.spelling import spelled

    score = standings.score
    head = ("place", "model", with_unit(spelled(score.name), score.unit), "from")
    rows = [
        (
            str(p.place),
            p.name,
            digits(p.value, score.unit),
            "this store" if p.reported is None else f"reported: {'; '.join(p.reported)}",
        )
        for p in places
    ]
    console.print_table("Together with what others report", head, rows)
    console.out.print(
        "No ranking: reported numbers have no rows here, so neither ties nor the same people are "
        "known. C: read in the source, S: quoted by somebody else.",
        soft_wrap=True,
    )
