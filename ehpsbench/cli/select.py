"""`ehpsbench select --top K`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ehpsbench.cli.options import JsonOption, StoreOption

if TYPE_CHECKING:
    from ehpsbench.leaderboards.selection import Selection
    from ehpsbench.leaderboards.table import Standings


def select(
    top: Annotated[int, typer.Option(min=1, help="How many datasets.")],
    board: Annotated[str, typer.Option(help="A board that was ranked in the store.")] = "ehps-five",
    out: Annotated[
        Path | None, typer.Option(help="File for the mix.", show_default="print it")
    ] = None,
    by: Annotated[
        Literal["mpe", "zero-shot"],
        typer.Option(help="Over all benchmarks, or only those it was not trained on."),
    ] = "mpe",
    mix: Annotated[
        Literal["balanced", "concat"], typer.Option(help="Equal shares, or by size.")
    ] = "balanced",
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Write the best datasets of a ranking as a mix, for `ehpsbench train --mix-file`."""
    from ehpsbench.atomic import write_text
    from ehpsbench.cli import console
    from ehpsbench.leaderboards.rankings import ranking
    from ehpsbench.leaderboards.selection import mix_toml, select_top
    from ehpsbench.leaderboards.sweeps.halved import stopped_early
    from ehpsbench.store import Store, default_store

    place = Store(store or default_store())
    ranked = ranking(place, Path(board).stem)
    stopped = stopped_early(place, ranked)
    found = select_top(ranked, top, by=by, strategy=mix, stopped=stopped)
    _say(ranked, found, stopped)
    if out is not None:
        write_text(out, mix_toml(found.mix))
    if json:
        console.print_json(found.mix.model_dump(mode="json"))
    elif out is None:
        console.out.print(mix_toml(found.mix), end="", soft_wrap=True)
    else:
        console.out.print(f"{', '.join(found.mix.parts)}", soft_wrap=True)
        console.out.print(f"Now: ehpsbench train --mix-file {out}", soft_wrap=True)


def _say(ranked: Standings, found: Selection, stopped: Mapping[str, int]) -> None:
    """Who could not be chosen, and what to doubt of those who are."""
    from ehpsbench.cli import console

    if stopped:
        console.say(f"Left out by halving, so not chosen from: {', '.join(stopped)}.")
    if found.tied_out:
        console.say(
            f"Left out, but not told apart from one that is in: {', '.join(found.tied_out)}."
        )
    if found.unranked:
        console.say(f"Without a rank, so not chosen from: {', '.join(found.unranked)}.")
    for name in found.mix.parts:
        if marks := ranked.row(name).marks:
            console.say(f"! {name}: {'; '.join(marks)}")
