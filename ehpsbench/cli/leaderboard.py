"""`ehpsbench leaderboard show | compare | export | add | check | published`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ehpsbench.cli import entries, published
from ehpsbench.cli.options import JsonOption, StoreOption

if TYPE_CHECKING:
    from ehpsbench.leaderboards.versus import Column, Versus

app = typer.Typer(help="Boards: who stands where, compared, exported.", no_args_is_help=True)
app.command("add")(entries.add)
app.command("check")(entries.check)
app.command("published")(published.show)

Format = Literal["csv", "json", "md", "latex", "parquet"]
BoardOption = Annotated[str, typer.Option("--board", help="Board, or a .toml file.")]
LastOption = Annotated[
    bool, typer.Option("--last", help="Only those of the last ranking on the board.")
]


@app.command()
def show(
    board: Annotated[
        str | None, typer.Argument(help="Board, or a .toml file.", show_default="list all boards")
    ] = None,
    last: LastOption = False,
    with_published: Annotated[
        bool, typer.Option("--with-published", help="Also one order with what others report.")
    ] = False,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Show a board filled with all results of the store, or list the boards."""
    from ehpsbench.cli import console

    if board is None:
        _list(json)
        return
    from ehpsbench.cli.standings import print_standings
    from ehpsbench.leaderboards.filled import filled
    from ehpsbench.store import Store, default_store

    found = filled(Store(store or default_store()), board, last=last)
    together = published.with_reported(found, board) if with_published else None
    if json:
        console.print_json(published.as_dict(found, together))
        return
    print_standings(found)
    if together is not None:
        published.print_together(found, together)


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="Entry, or training set with all its seeds.")],
    b: Annotated[str, typer.Argument(help="Another.")],
    board: BoardOption = "ehps-five",
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Compare two entries on what both were scored on: difference, interval, p."""
    from ehpsbench.cli import console
    from ehpsbench.leaderboards.board import board as find_board
    from ehpsbench.leaderboards.versus import versus
    from ehpsbench.store import Store, default_store

    found = versus(Store(store or default_store()), find_board(board), a, b)
    if json:
        console.print_json(found.as_dict())
    else:
        _print_versus(found)


@app.command()
def export(
    board: Annotated[str, typer.Argument(help="Board, or a .toml file.")],
    format: Annotated[Format, typer.Option("--format", help="Of the table.")] = "csv",
    out: Annotated[
        Path | None, typer.Option("--out", help="File.", show_default="print it")
    ] = None,
    last: LastOption = False,
    store: StoreOption = None,
) -> None:
    """Write a board with units, intervals, ranks, ties and protocol hashes."""
    from ehpsbench.leaderboards.export import write_table
    from ehpsbench.leaderboards.filled import filled
    from ehpsbench.store import Store, default_store

    found = filled(Store(store or default_store()), board, last=last)
    text = write_table(found, format, out)
    if text is not None:
        print(text, end="")


def _list(json: bool) -> None:
    from ehpsbench.cli import console
    from ehpsbench.leaderboards.board import board, names
    from ehpsbench.leaderboards.spelling import spelled

    boards = [board(name) for name in names()]
    if json:
        console.print_json([b.model_dump(mode="json") for b in boards])
        return
    rows = [(b.name, b.title, spelled(b.score), ", ".join(b.protocols)) for b in boards]
    console.print_table("", ("board", "title", "ordered by", "benchmarks"), rows)


def _print_versus(found: Versus) -> None:
    """A line for each benchmark, then the mean, what is missing and what to doubt."""
    from ehpsbench.cli import console

    console.out.print(f"A: {_named(found.a, found.entries_a)}", soft_wrap=True)
    console.out.print(f"B: {_named(found.b, found.entries_b)}", soft_wrap=True)
    head = ("benchmark", "A", "B", "A − B", "95 %", "p", "better", "scored on", "clusters")
    lines = [_line(column) for column in (*found.columns, *([found.mean] if found.mean else []))]
    console.print_table(found.board, head, lines)
    for column in found.columns:
        if column.found.left_out:
            console.out.print(
                f"{column.id}: {column.found.left_out:,} people whom only one of them has do not "
                "count.",
                soft_wrap=True,
            )
    for name, why in found.missing.items():
        console.out.print(f"Not compared: {name}: {why}", soft_wrap=True)
    for remark in found.remarks:
        console.out.print(f"! {remark}", soft_wrap=True)


def _named(name: str, members: tuple[str, ...]) -> str:
    return name if members == (name,) else f"{name} (mean of {', '.join(members)})"


def _line(column: Column) -> tuple[str, ...]:
    from ehpsbench.leaderboards.digits import digits, with_unit

    one, unit = column.found, column.facts.unit
    numbers = (one.a, one.b, one.difference)
    return (
        with_unit(column.id, unit),
        *(digits(value, unit) for value in numbers),
        f"{digits(one.low, unit)} to {digits(one.high, unit)}",
        f"{one.p:.4f}" if one.p >= 0.0001 else "< 0.0001",
        column.better or "–",
        f"{one.people:,} {one.scored}",
        f"{one.clusters:,}",
    )
