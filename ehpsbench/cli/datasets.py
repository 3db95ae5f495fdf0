"""`ehpsbench datasets [NAME]`."""

from __future__ import annotations

from typing import Annotated

import typer

from ehpsbench.cli.options import JsonOption, StoreOption


def datasets(
    name: Annotated[str | None, typer.Argument(help="Show the card of this dataset.")] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """List the datasets that can be read and what the store holds, or show one card."""
    from ehpsbench.cli import console
    from ehpsbench.dataset_adapters import catalogue
    from ehpsbench.overview import broken_datasets, dataset_overview
    from ehpsbench.store import Store, default_store

    if name is not None:
        card = catalogue.card(name).model_dump(mode="json")
        if json:
            console.print_json(card)
        else:
            console.print_card(card)
        return
    place = Store(store or default_store())
    rows, broken = dataset_overview(place), broken_datasets(place)
    for why in broken.values():
        console.say(why)
    if json:
        console.print_json(rows)
        return
    head = ("name", "title", "year", "body", "labels", "scene", "people in the store")
    columns = ("name", "title", "year", "body", "annotation", "scene")
    stored = [
        "; ".join(
            [f"{n}: {sum(people.values()):,}" for n, people in row["stored"].items()]
            + [f"{n}: broken" for n in broken if n == row["name"]]
        )
        for row in rows
    ]
    table = [[*(str(r[c]) for c in columns), s] for r, s in zip(rows, stored, strict=True)]
    console.print_table("Datasets", head, table)
