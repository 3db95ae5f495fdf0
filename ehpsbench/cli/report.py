"""`ehpsbench report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ehpsbench.cli.options import BodyModelsOption, StoreOption


def report(
    board: Annotated[
        list[str] | None,
        typer.Option(
            "--board",
            help="Board, or a .toml file; again for more. The page opens with the first.",
            show_default="all that were ranked",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="HTML file; default: in the store's reports/."),
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
    """Write the ranking of boards as one HTML file that needs no network."""
    from ehpsbench.cli import console
    from ehpsbench.evaluation.protocol import protocol
    from ehpsbench.leaderboards.filled import shown
    from ehpsbench.leaderboards.rankings import ranked_boards
    from ehpsbench.reports.make import make_report
    from ehpsbench.store import Store, default_store

    place = Store(store or default_store())
    asked = board or ranked_boards(place)
    names = [Path(name).stem for name in asked]
    rankings = [shown(place, name) for name in asked]
    data = {protocol(b.protocol).dataset for found in rankings for b in found.benchmarks}
    path = make_report(
        place,
        rankings,
        console.bodies_of(place, sorted(data), body_models),
        out=out or place.reports / f"{names[0] if len(names) == 1 else 'report'}.html",
        embed_images=embed_images,
        embed_meshes=embed_meshes,
    )
    console.out.print(str(path), soft_wrap=True)
