"""`ehpsbench datasets [NAME]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehpsbench.cli.options import JsonOption, StoreOption

if TYPE_CHECKING:
    from ehpsbench.dataset_adapters.selection import Wish

HEAD = ("name", "title", "year", "body", "labels", "scene", "commercial", "people in the store")
COLUMNS = ("name", "title", "year", "body", "annotation", "scene", "commercial")


def datasets(
    name: Annotated[str | None, typer.Argument(help="Show the card of this dataset.")] = None,
    licence: Annotated[
        str | None,
        typer.Option(help="commercial, ask (also those whose owners want to be asked), research."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="real, synthetic, composite or motion (no pictures).")
    ] = None,
    has: Annotated[
        list[str] | None,
        typer.Option(help="What must be labelled: hands, face, keypoints2d, …; may come again."),
    ] = None,
    scene: Annotated[str | None, typer.Option(help="in the wild, indoor, studio, mixed.")] = None,
    body: Annotated[str | None, typer.Option(help="smplx, smpl, mano, …")] = None,
    annotation: Annotated[str | None, typer.Option(help="mocap, pseudo, synthetic, …")] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """List the datasets that can be read and what the store holds, or show one card."""
    from ehpsbench.dataset_adapters.selection import Wish

    wish = Wish(licence, kind, scene, body, annotation, tuple(has or ()))
    if name is not None:
        if wish != Wish():
            raise typer.BadParameter("--kind, --has and the like filter the list; leave out NAME.")
        _show(name, json)
        return
    rows, broken = _found(wish, store)
    if json:
        from ehpsbench.cli import console

        console.print_json(rows)
        return
    _print(rows, broken)


def _show(name: str, json: bool) -> None:
    from ehpsbench.cli import console
    from ehpsbench.cli.cards import print_card
    from ehpsbench.dataset_adapters import catalogue

    card = catalogue.card(name).model_dump(mode="json")
    if json:
        console.print_json(card)
    else:
        print_card(card)


def _found(wish: Wish, store: Any) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Rows of the datasets that answer the wish; broken ones of the store are said."""
    from ehpsbench.cli import console
    from ehpsbench.overview import broken_datasets, dataset_overview
    from ehpsbench.store import Store, default_store

    place = Store(store or default_store())
    rows, broken = dataset_overview(place, wish), broken_datasets(place)
    for why in broken.values():
        console.say(why)
    return rows, broken


def _print(rows: list[dict[str, Any]], broken: dict[str, str]) -> None:
    from ehpsbench.cli import console

    stored = [
        "; ".join(
            [f"{n}: {sum(people.values()):,}" for n, people in row["stored"].items()]
            + [f"{n}: broken" for n in broken if n == row["name"]]
        )
        for row in rows
    ]
    table = [[*(str(r[c]) for c in COLUMNS), s] for r, s in zip(rows, stored, strict=True)]
    console.print_table("Datasets", HEAD, table)
    if not rows:
        console.say("No dataset is all of that; leave out an option.")
