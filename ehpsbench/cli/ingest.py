"""`ehpsbench ingest NAME --root DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ehpsbench.cli.options import BodyModelsOption, JsonOption, StoreOption
from ehpsbench.cli.spread import ExecutorOption, PartitionOption, executor_of

if TYPE_CHECKING:
    from ehpsbench.ingest import IngestReport
    from ehpsbench.store import Store

FINDINGS = 1

AliasOption = Annotated[
    str | None, typer.Option("--as", help="Another name for the rows in the store.")
]
CheckOption = Annotated[
    bool, typer.Option("--check", help="Only say which files are there; read nothing.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option(help="Units read side by side.", show_default="local: 1; clusters: all at once"),
]


def ingest(
    name: Annotated[str, typer.Argument(help="Dataset, as `ehpsbench datasets` lists it.")],
    root: Annotated[Path, typer.Option("--root", help="The unpacked release.")],
    store: StoreOption = None,
    body_models: BodyModelsOption = None,
    layout: Annotated[str, typer.Option(help="owners or humandata.")] = "owners",
    alias: AliasOption = None,
    check: CheckOption = False,
    limit: Annotated[int | None, typer.Option(help="Stop after this many people.")] = None,
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    partition: PartitionOption = None,
    json: JsonOption = False,
) -> None:
    """Read a release into the store; a stopped ingest goes on where it was."""
    from dataclasses import asdict

    from ehpsbench import ingest as library
    from ehpsbench.cli import console
    from ehpsbench.store import Store, default_store

    if check:
        raise typer.Exit(_check(name, root, layout, json))
    target = Store((store or default_store()).resolve())
    where = None if executor == "local" else executor_of(executor, workers, partition, 0)
    with console.progress_bar(f"Reading {alias or name}", "people") as progress:
        report = library.ingest(
            name,
            root,
            target,
            alias=alias,
            layout=layout,
            limit=limit,
            workers=1 if workers is None else workers,
            executor=where,
            body_models=body_models,
            progress=progress,
        )
    stored = sum(report.instances.values())
    for note in report.notes:
        console.say(note)
    if not stored:
        console.say(f"No people of {report.dataset} were stored: see what was refused, and why.")
    if json:
        console.print_json(asdict(report))
    else:
        _print(report, target)
    raise typer.Exit(0 if stored else FINDINGS)


def _check(name: str, root: Path, layout: str, json: bool) -> int:
    """Show which files of the release are there; the exit code."""
    from ehpsbench.cli import console
    from ehpsbench.release_check import check

    findings = check(name, root, layout=layout)
    if json:
        console.print_json(findings)
    else:
        rows = [(f["state"], f["pattern"], f["what"]) for f in findings]
        console.print_table(f"{name}: files below {root}", ("state", "pattern", "what"), rows)
    return FINDINGS if any(f["state"] == "missing" for f in findings) else 0


def _print(report: IngestReport, store: Store) -> None:
    """What was stored, what was refused and where that is kept."""
    from ehpsbench.cli import console

    for split, count in report.instances.items():
        images = report.images.get(split, 0)
        console.out.print(f"{report.dataset}/{split}: {count:,} people in {images:,} images")
    for rule, count in report.rejects.items():
        console.out.print(f"refused by the rule {rule}: {count:,}")
    if report.rejects:
        kept = store.rejects_path(report.dataset)
        console.out.print(f"Refused rows are kept whole in {kept}", soft_wrap=True)
    if report.resumed:
        console.out.print(
            f"{report.resumed:,} of {report.units:,} units were there from an earlier try."
        )
