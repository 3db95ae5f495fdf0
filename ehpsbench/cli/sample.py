"""`ehpsbench sample NAME --out DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def sample(
    name: Annotated[str, typer.Argument(help="Dataset whose layout to write.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to make; must be new or empty.")],
    people: Annotated[int, typer.Option(help="About how many people.")] = 24,
    seed: Annotated[int, typer.Option(help="Seed of the world.")] = 0,
    images: Annotated[str, typer.Option(help="rendered, flat or none.")] = "rendered",
    body: Annotated[str, typer.Option(help="open or open-small.")] = "open",
    layout: Annotated[str, typer.Option(help="owners or humandata.")] = "owners",
) -> None:
    """Write a miniature release in the owners' own layout, from synthetic people."""
    from shlex import quote

    from ehpsbench.cli import console
    from ehpsbench.samples import write_sample

    truth = write_sample(
        name, out, people=people, seed=seed, images=images, body=body, layout=layout
    )
    console.out.print(
        f"{out}: {len(truth.instance_id)} people of {name}, {len(truth.broken)} more are broken "
        f"on purpose.\nRead it: ehpsbench ingest {name} --root {quote(str(out))}"
        + (f" --layout {layout}" if layout != "owners" else ""),
        soft_wrap=True,
    )
