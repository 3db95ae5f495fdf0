"""`ehpsbench adapter new NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Add a dataset.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Add a dataset."""


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Of the dataset: a-z, 0-9 and _.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where its folder goes.", show_default="dataset_adapters/"),
    ] = None,
) -> None:
    """Write the files that a new dataset starts from; docs/add-a-dataset.md leads through them."""
    from ehpsbench.cli import console
    from ehpsbench.dataset_adapters import catalogue
    from ehpsbench.dataset_adapters.scaffold import scaffold

    ours = Path(catalogue.__file__).parent
    made = scaffold(name, ours if out is None else out)
    for path in made:
        console.out.print(str(path), soft_wrap=True)
    if out is not None:
        console.out.print(
            "Offer it from your package's pyproject.toml, so that it is found:\n"
            f'  [project.entry-points."{catalogue.ENTRY_POINTS}"]\n  {name} = "{name}"'
        )
    console.out.print(
        "Fill card.toml, sample.py and adapter.py, in this order (docs/add-a-dataset.md), then:\n"
        f"  pytest tests/dataset_adapters/test_conformance.py -k {name}",
        soft_wrap=True,
    )
