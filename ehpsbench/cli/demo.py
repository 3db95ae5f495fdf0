"""`ehpsbench demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for releases, store and report.")] = (
        Path("demo")
    ),
    seed: Annotated[int, typer.Option(help="Seed of the worlds and of the training.")] = 0,
    plan: Annotated[
        Path | None, typer.Option(help="Another table of worth (.toml); default: the demo's own.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; default: one per processor.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the report in a browser.")] = False,
) -> None:
    """Miniature releases of planted worth → ingest → train → score → rank → report."""
    from ehpsbench.cli import console
    from ehpsbench.cli.standings import print_standings
    from ehpsbench.demo.plan import TABLE, read_plan
    from ehpsbench.demo.run import run_demo

    table = read_plan(plan or TABLE)
    report = run_demo(out, seed=seed, workers=workers, plan=table, say=console.say)
    print_standings(report.standings)
    console.print_verdict(report.verdict)
    console.out.print(f"Report: {report.path.resolve()}", soft_wrap=True)
    if show:
        typer.launch(str(report.path))
