"""`ehpsbench export NAME --format FORMAT --out DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ehpsbench.cli.options import BodyModelsOption, JsonOption, StoreOption

if TYPE_CHECKING:
    from ehpsbench.curation.export.folder import ExportReport


def export(
    name: Annotated[str, typer.Argument(help="Dataset in the store.")],
    format: Annotated[str, typer.Option("--format", help="humandata, hf or coco.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to make; must be new or empty.")],
    split: Annotated[str | None, typer.Option(help="Only this split.")] = None,
    where: Annotated[
        str | None, typer.Option(help="Only people who meet this SQL condition.")
    ] = None,
    embed_images: Annotated[
        bool, typer.Option("--embed-images", help="Take the pictures along, where allowed.")
    ] = False,
    body_models: BodyModelsOption = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Write stored people as HumanData, as a Hugging Face dataset, or as COCO-WholeBody."""
    from dataclasses import asdict

    from ehpsbench.cli import console
    from ehpsbench.curation.export.folder import export as write
    from ehpsbench.curation.export.selection import Selection
    from ehpsbench.store import Store, default_store

    chosen = Selection(Store(store or default_store()), name, split, where)
    with console.counting_bar("exporting", "people") as progress:
        report = write(
            chosen,
            format,
            out,
            embed_images=embed_images,
            body_models=body_models,
            progress=progress,
        )
    if json:
        console.print_json(asdict(report))
        return
    _show(name, format, report)


def _show(name: str, format: str, report: ExportReport) -> None:
    """Write how many went where, and what the format does not hold of them."""
    from ehpsbench.cli import console
    from ehpsbench.curation.export.losses import in_words

    heads = {"instances": "people", "images": "images"}
    held = [table for table in heads if any(table in count for count in report.counts.values())]
    rows = [[part, *(count.get(t, 0) for t in held)] for part, count in report.counts.items()]
    console.out.print(f"{name} as {format}", soft_wrap=True)
    console.print_table("", ("split", *(heads[t] for t in held)), rows)
    console.out.print(f"Written to {report.folder}", soft_wrap=True)
    if report.losses:
        console.out.print("\nThis format does not hold:")
        for line in in_words(report.losses):
            console.out.print(f"  {line}", soft_wrap=True)
