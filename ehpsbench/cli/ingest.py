"""`ehpsbench ingest NAME --root DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehpsbench.cli.options import BodyModelsOption, JsonOption, StoreOption
from ehpsbench.cli.spread import ExecutorOption, PartitionOption, executor_of

if TYPE_CHECKING:
    from ehpsbench.ingest import IngestReport
    from ehpsbench.store import Store

FINDINGS = 1
ALL = "all"

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
    name: Annotated[
        str, typer.Argument(help="Dataset, as `ehpsbench datasets` lists it; or `all`.")
    ],
    root: Annotated[
        Path, typer.Option("--root", help="The unpacked release; for `all`, where releases lie.")
    ],
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
    from ehpsbench.store import Store, default_store

    if check:
        raise typer.Exit(_check(name, root, layout, json))
    target = Store((store or default_store()).resolve())
    where = None if executor == "local" else executor_of(executor, workers, partition, 0)

    def one(dataset: str, place: Path) -> IngestReport:
        return _ingest(
            dataset,
            place,
            target,
            alias=alias,
            layout=layout,
            limit=limit,
            workers=1 if workers is None else workers,
            executor=where,
            body_models=body_models,
        )

    if name == ALL:
        from ehpsbench.cli.ingest_all import ingest_all

        if alias is not None or layout != "owners":
            raise typer.BadParameter("--as and --layout go with one dataset, not with `all`.")
        raise typer.Exit(ingest_all(root, one, json))
    raise typer.Exit(_tell(one(name, root), target, json))


def _ingest(dataset: str, root: Path, store: Store, **options: Any) -> IngestReport:
    """Ingest behind a bar of progress."""
    from ehpsbench import ingest as library
    from ehpsbench.cli import console

    with console.progress_bar(f"Reading {options['alias'] or dataset}", "people") as progress:
        return library.ingest(dataset, root, store, progress=progress, **options)


def _tell(report: IngestReport, store: Store, json: bool) -> int:
    """Say what became of one dataset; the exit code."""
    from dataclasses import asdict

    from ehpsbench.cli import console

    stored = sum(report.instances.values())
    for note in report.notes:
        console.say(note)
    if not stored:
        console.say(f"No people of {report.dataset} were stored: see what was refused, and why.")
    if json:
        console.print_json(asdict(report))
    else:
        _print(report, store)
    return 0 if stored else FINDINGS


def _check(name: str, root: Path, layout: str, json: bool) -> int:
    """Show which files of the release are there; the exit code."""
    from ehpsbench.cli import console
    from ehpsbench.cli.ingest_all import show_releases
    from ehpsbench.release_check import check

    if name == ALL:
        return show_releases(root, json)
    findings = check(name, root, layout=layout)
    if json:
        console.print_json(findings)
    else:
        rows = [(f["state"], f["pattern"], f["what"]) for f in findings]
        console.print_table(f"{name}: files below {root}", ("state", "pattern", "what"), rows)
    absent = [f["what"] for f in findings if f["state"] == "optional"]
    if any(f["state"] == "missing" for f in findings):
        return FINDINGS
    if absent:
        console.say(f"It can be read as it is, but lacks: {'; '.join(absent)}.")
    return 0


def _print(report: IngestReport, store: Store) -> None:
    """What was stored, what was refused and where that is kept."""
    from ehpsbench.cli import console

    pictured = store.pictured(report.dataset)
    for split, count in report.instances.items():
        images = f"{report.images.get(split, 0):,} images" if pictured else "frames of motions"
        console.out.print(f"{report.dataset}/{split}: {count:,} people in {images}")
    for rule, count in report.rejects.items():
        console.out.print(f"refused by the rule {rule}: {count:,}")
    if report.rejects:
        kept = store.rejects_path(report.dataset)
        console.out.print(f"Refused rows are kept whole in {kept}", soft_wrap=True)
    if report.resumed:
        console.out.print(
            f"{report.resumed:,} of {report.units:,} units were there from an earlier try."
        )
