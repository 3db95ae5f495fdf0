"""`ehpsbench scaling --recipes A,B --top 2,4,8`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ehpsbench.cli.options import BodyModelsOption, JsonOption, StoreOption
from ehpsbench.cli.spread import (
    FINDINGS,
    CompileOption,
    ExecutorOption,
    GpusOption,
    PartitionOption,
    ReadersOption,
    ReplaceOption,
    SaveMinutesOption,
    WorkersOption,
)

if TYPE_CHECKING:
    from ehpsbench.leaderboards.sweeps.scaling import Scaled


def scaling(
    recipes: Annotated[str, typer.Option(help="Recipes or .toml files, with commas between.")],
    top: Annotated[str, typer.Option(help="Numbers of datasets, with commas between.")] = "2,4,8",
    board: Annotated[str, typer.Option(help="A board that was ranked in the store.")] = "ehps-five",
    mix: Annotated[
        Literal["balanced", "concat"], typer.Option(help="Equal shares, or by size.")
    ] = "balanced",
    seeds: Annotated[int, typer.Option(min=1, help="Training runs per point.")] = 1,
    budget: Annotated[
        int | None, typer.Option(min=1, help="Samples seen, instead of the recipes'.")
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(help="Pretrained weights, where a recipe wants some: FILE or RECIPE=FILE."),
    ] = None,
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    gpus: GpusOption = None,
    partition: PartitionOption = None,
    readers: ReadersOption = None,
    compile: CompileOption = False,
    save_minutes: SaveMinutesOption = 10.0,
    replace: ReplaceOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")] = False,
    store: StoreOption = None,
    body_models: BodyModelsOption = None,
    json: JsonOption = False,
) -> None:
    """Train each recipe on the best 2, 4, 8, … datasets of a ranking, and score all of them.

    What is finished is skipped, and a stopped or killed study goes on with the same command. Ends
    with 1 if a cell failed.
    """
    from ehpsbench.cli import console, spread, sweep_console
    from ehpsbench.leaderboards.rankings import ranking
    from ehpsbench.leaderboards.sweeps import scaling as library
    from ehpsbench.leaderboards.sweeps.halved import stopped_early
    from ehpsbench.store import Store, default_store

    place = Store((store or default_store()).resolve())
    where = spread.trainer_of(executor, workers, partition, gpus)
    tops = spread.numbers(top, "--top", int)
    ranked = ranking(place, Path(board).stem)
    chosen = library.mixes(ranked, tops, mix, stopped_early(place, ranked))
    models = spread.names([recipes])
    how = spread.Sweeping(
        board,
        models,
        budget,
        spread.weights_by_recipe(weights or (), models),
        body_models,
        readers,
        compile,
        save_minutes,
        replace,
    )
    work = spread.work_of(place, chosen[tops[-1]].parts, how)
    jobs = library.scaling_plan(work, chosen, range(seeds))
    sweep_console.show_plan(work, jobs, where, cells=dry_run, json=json)
    if dry_run:
        return
    with sweep_console.progress(where) as (ended, watch):
        found = library.scale(work, chosen, range(seeds), where, ended=ended, watch=watch)
    if json:
        points = [asdict(point) for point in found.points]
        console.print_json({"parts": found.parts, "points": points})
    else:
        _print_points(work.board.title, found)
    sweep_console.print_failures(found.failures)
    raise typer.Exit(FINDINGS if found.failures else 0)


def _print_points(title: str, found: Scaled) -> None:
    """A line for each model and number of datasets."""
    from ehpsbench.cli import console

    head = ("recipe", "datasets", "MPE [mm]", "95 %", "cells")
    rows = [
        (p.recipe, p.top, f"{p.mpe.mean:.1f}", f"{p.mpe.low:.1f} to {p.mpe.high:.1f}", n)
        for p, n in ((point, len(point.entries)) for point in found.points)
    ]
    console.print_table(f"{title}: models × best datasets", head, rows)
    console.out.print(f"Datasets, best first: {', '.join(found.parts)}", soft_wrap=True)
