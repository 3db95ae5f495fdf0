"""`ehpsbench train DATASET`."""

from __future__ import annotations

from typing import Annotated

import typer

from ehpsbench.cli.options import BodyModelsOption, StoreOption


def train(
    dataset: Annotated[str, typer.Argument(help="Dataset in the store.")],
    recipe: Annotated[str, typer.Option(help="Recipe, or a .toml file.")] = "micro-cpu",
    seed: Annotated[int, typer.Option(help="Seed of the run.")] = 0,
    split: Annotated[
        list[str] | None, typer.Option(help="Split to train on; default: those called train….")
    ] = None,
    store: StoreOption = None,
    body_models: BodyModelsOption = None,
) -> None:
    """Train one cell; a stopped run goes on where it was, a finished one is left alone."""
    from ehpsbench.cli import console
    from ehpsbench.store import Store, default_store
    from ehpsbench.training import loop
    from ehpsbench.training.recipe import recipe as find_recipe

    place = Store(store or default_store())
    bodies = console.bodies_of(place, [dataset], body_models)
    with console.progress_bar(f"Training on {dataset}", "samples") as bar:
        folder = loop.train(
            place,
            dataset,
            find_recipe(recipe),
            seed,
            bodies,
            splits=tuple(split) if split else None,
            progress=lambda seen, budget: bar(seen, budget, seen),
        )
    console.out.print(f"{folder}", soft_wrap=True)
