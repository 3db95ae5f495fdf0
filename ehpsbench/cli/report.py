"""`ehpsbench report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ehpsbench.cli.options import BodyModelsOption, StoreOption


def report(
    board: Annotated[str, typer.Option(help="Board that was ranked.")] = "ehps-five",
    out: Annotated[
        Path | None, typer.Option("--out", help="HTML file; default: in the store's reports/.")
    ] = None,
    embed_images: Annotated[
        bool, typer.Option("--embed-images", help="Show images where the card allows it.")
    ] = False,
    embed_meshes: Annotated[
        bool, typer.Option("--embed-meshes", help="Show meshes where the card allows it.")
    ] = False,
    store: StoreOption = None,
    body_models: BodyModelsOption = None,
) -> None:
    """Write the ranking of a board as one HTML file that needs no network."""
    from ehpsbench.cli import console
    from ehpsbench.evaluation.protocol import protocol
    from ehpsbench.leaderboards.rankings import ranking
    from ehpsbench.reports.make import make_report
    from ehpsbench.store import Store, default_store

    place = Store(store or default_store())
    standings = ranking(place, Path(board).stem)
    names = [protocol(b.id).dataset for b in standings.benchmarks]
    bodies = console.bodies_of(place, names, body_models)
    path = make_report(
        place,
        standings,
        bodies,
        out=out or place.reports / f"{standings.board['name']}.html",
        embed_images=embed_images,
        embed_meshes=embed_meshes,
    )
    console.out.print(str(path), soft_wrap=True)
