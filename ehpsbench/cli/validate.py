"""`ehpsbench validate NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ehpsbench.cli.options import BodyModelsOption, JsonOption, StoreOption

if TYPE_CHECKING:
    from ehpsbench.curation.validation.validate import Validation

FINDINGS = 1  # exit code


def validate(
    name: Annotated[str, typer.Argument(help="Dataset in the store.")],
    sheet: Annotated[
        Path | None,
        typer.Option(help="Contact sheet to draw.", show_default="<store>/reports/NAME.sheet.png"),
    ] = None,
    no_sheet: Annotated[bool, typer.Option("--no-sheet", help="Draw none.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not read whole files to compare their hashes.")
    ] = False,
    body_models: BodyModelsOption = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Check a stored dataset again, and draw 24 of its people; exit 1 where something is found."""
    from dataclasses import asdict

    from ehpsbench.cli import console
    from ehpsbench.curation.validation.validate import validate as check
    from ehpsbench.store import Store, default_store

    place = Store(store or default_store())
    picture = sheet or place.reports / f"{name}.sheet.png"
    with console.counting_bar("checking", "people") as progress:
        found = check(
            place,
            name,
            sheet=None if no_sheet else picture,
            hashes=not quick,
            body_models=body_models,
            progress=progress,
        )
    if json:
        console.print_json(asdict(found))
    else:
        _show(found)
    if found.findings:
        raise typer.Exit(FINDINGS)


def _show(found: Validation) -> None:
    """Write what a validation found, what it left out, and where its sheet lies."""
    from ehpsbench.cli import console

    where = f"{found.images:,} images" if found.pictured else "frames without pictures"
    console.out.print(f"{found.dataset}: {found.people:,} people in {where} checked.")
    rows = [[f.rule, f.rows, f.example, f.remedy] for f in found.findings]
    if rows:
        console.print_table("Findings", ("rule", "rows", "for example", "what to do"), rows)
    else:
        console.out.print("Nothing found.", style="green")
    for name, value in found.measures.items():
        console.out.print(f"{name}: {value:.2f}", soft_wrap=True)
    for note in found.notes:
        console.out.print(f"! {note}", soft_wrap=True)
    if found.sheet is not None:
        shows = " (it shows images of the release)" if found.pictured else ""
        console.out.print(f"Look at it: {found.sheet}{shows}", soft_wrap=True)
