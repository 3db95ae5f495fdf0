"""`ehpsbench doctor`."""

from __future__ import annotations

import typer

from ehpsbench.cli.options import BodyModelsOption, JsonOption, StoreOption

FINDINGS = 1


def doctor(
    store: StoreOption = None, body_models: BodyModelsOption = None, json: JsonOption = False
) -> None:
    """Say what works here: software, GPU, bodies, protocols, store. Exit 1 if something lacks."""
    from ehpsbench.cli import console
    from ehpsbench.overview import health
    from ehpsbench.store import Store, default_store

    lines = health(Store(store or default_store()), body_models)
    if json:
        console.print_json(lines)
    else:
        rows = [(line["what"], line["state"], line["detail"]) for line in lines]
        console.print_table("ehpsbench doctor", ("what", "state", "detail"), rows)
    if any(line["state"] == "missing" for line in lines):
        raise typer.Exit(FINDINGS)
