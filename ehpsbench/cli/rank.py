"""`ehpsbench rank-datasets DATASET DATASET …`."""

from __future__ import annotations

from typing import Annotated

import typer

from ehpsbench.cli.options import BodyModelsOption, JsonOption, StoreOption


def rank_datasets(
    datasets: Annotated[list[str], typer.Argument(help="Datasets in the store.")],
    board: Annotated[str, typer.Option(help="Board, or a .toml file.")] = "mpe",
    recipe: Annotated[str, typer.Option(help="Recipe, or a .toml file.")] = "micro-cpu",
    seeds: Annotated[int, typer.Option(min=1, help="Training runs per dataset.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes, one thread each.")] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the cells.")] = False,
    store: StoreOption = None,
    body_models: BodyModelsOption = None,
    json: JsonOption = False,
) -> None:
    """Train one model per dataset under one budget, score it on a board, and rank the datasets."""
    from dataclasses import asdict

    from ehpsbench.cli import console
    from ehpsbench.evaluation.protocol import protocol
    from ehpsbench.leaderboards import rank_datasets as library
    from ehpsbench.leaderboards.board import board as find_board
    from ehpsbench.store import Store, default_store
    from ehpsbench.training.recipe import recipe as find_recipe

    place = Store(store or default_store())
    rules, how = find_board(board), find_recipe(recipe)
    names = [*datasets, *(protocol(b).dataset for b in rules.ids)]
    bodies = console.bodies_of(place, names, body_models)
    if dry_run:
        jobs = library.plan(place, datasets, how, range(seeds), rules, bodies)
        if json:
            console.print_json([asdict(job) for job in jobs])
            return
        rows = [(j.cell, j.dataset, str(j.seed), "done" if j.done else "to do") for j in jobs]
        console.print_table("Cells", ("cell", "dataset", "seed", "state"), rows)
        return
    with console.progress_bar("Training and scoring", "cells") as bar:
        found = library.rank_datasets(
            place,
            datasets,
            how,
            rules,
            bodies,
            seeds=range(seeds),
            workers=workers,
            progress=lambda done, total, _: bar(done, total, done),
        )
    if json:
        console.print_json(found.as_dict())
        return
    console.print_standings(found)
    console.out.print(f"Now: ehpsbench report --board {rules.name}")
