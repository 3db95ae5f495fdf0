"""`ehpsbench protocol list`, `ehpsbench protocol show NAME`."""

from __future__ import annotations

from typing import Annotated

import typer

from ehpsbench.cli.options import JsonOption

app = typer.Typer(help="The rules of benchmarks.", no_args_is_help=True)


@app.command("list")
def list_protocols(json: JsonOption = False) -> None:
    """All protocols: what they score, and on which data."""
    from ehpsbench.cli import console
    from ehpsbench.evaluation import protocol

    rules = [protocol.protocol(name) for name in protocol.names()]
    if json:
        console.print_json([r.model_dump(mode="json") | {"hash": r.hash} for r in rules])
        return
    rows = [
        (r.name, r.task, f"{r.dataset}/{r.split}", f"{r.primary} [{r.unit}]", r.hash[:12], r.title)
        for r in rules
    ]
    console.print_table("", ("protocol", "task", "data", "primary", "hash", "title"), rows)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Protocol, NAME@dataset, or a .toml file.")],
    json: JsonOption = False,
) -> None:
    """One protocol in words, with its hash and the official code that it follows."""
    from ehpsbench.cli import console
    from ehpsbench.dataset_adapters import catalogue
    from ehpsbench.evaluation.available import needed, way_to
    from ehpsbench.evaluation.explained import explained
    from ehpsbench.evaluation.protocol import protocol

    rules = protocol(name)
    if json:
        console.print_json(rules.model_dump(mode="json") | {"hash": rules.hash})
        return
    out = console.out
    out.print(f"{rules.name}: {rules.title}", style="bold", soft_wrap=True)
    out.print(rules.about.strip(), soft_wrap=True)
    out.print()
    data = f"{rules.dataset}/{rules.split}"
    if rules.dataset not in catalogue.names() and "@" not in name:
        data += f": {way_to(rules.dataset, rules.name)}"
    needs = " and ".join(needed(rules))
    head = [
        ("follows", rules.source),
        ("hash", f"{rules.hash}  (version {rules.version})"),
        ("data", data),
        *([("needs", needs)] if needs else ()),
        ("counts", f"{rules.primary} [{rules.unit}], {rules.better} is better"),
    ]
    for what, words in [*head, *explained(rules)]:
        out.print(f"{what:<24}{words}", soft_wrap=True)
