"""`ehpsbench scaling --recipes A,B --top 2,4,8`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ehpsbench.cli import spread
from ehpsbench.cli.options import BodyModelsOption, JsonOption, StoreOption

if TYPE_CHECKING:
    from ehpsbench.executors.settings import Settings
    from ehpsbench.leaderboards.sweeps.scaling import Scaled

Strategy = Literal["balanced", "concat"]
RecipesOption = Annotated[str, typer.Option(help="Recipes or .toml files, with commas between.")]
TopOption = Annotated[str, typer.Option(help="Numbers of datasets, with commas between.")]
BoardOption = Annotated[str, typer.Option(help="A board that was ranked in the store.")]
MixOption = Annotated[Strategy, typer.Option(help="Equal shares, or by size.")]
SeedsOption = Annotated[int, typer.Option(min=1, help="Training runs per point.")]
BudgetOption = Annotated[
    int | None, typer.Option(min=1, help="Samples seen, instead of the recipes'.")
]
WeightsOption = Annotated[
    list[str] | None,
    typer.Option(help="Pretrained weights, where a recipe wants some: FILE or RECIPE=FILE."),
]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of a study: numbers of datasets, how they are mixed, what is printed."""

    tops: Sequence[int]
    mix: Strategy
    seeds: range
    dry_run: bool
    json: bool


def scaling(
    recipes: RecipesOption,
    top: TopOption = "2,4,8",
    board: BoardOption = "ehps-five",
    mix: MixOption = "balanced",
    seeds: SeedsOption = 1,
    budget: BudgetOption = None,
    weights: WeightsOption = None,
    executor: spread.ExecutorOption = "local",
    workers: spread.WorkersOption = None,
    gpus: spread.GpusOption = None,
    partition: spread.PartitionOption = None,
    readers: spread.ReadersOption = None,
    compile: spread.CompileOption = False,
    save_minutes: spread.SaveMinutesOption = 10.0,
    replace: spread.ReplaceOption = False,
    dry_run: spread.DryRunOption = False,
    store: StoreOption = None,
    body_models: BodyModelsOption = None,
    json: JsonOption = False,
) -> None:
    """Train each recipe on the best 2, 4, 8, … datasets of a ranking, and score all of them.

    What is finished is skipped, and a stopped or killed study goes on with the same command. Ends
    with 1 if a cell failed.
    """
    where = spread.trainer_of(executor, workers, partition, gpus)
    models = spread.names([recipes])
    files = spread.weights_by_recipe(weights or (), models)
    how = spread.Sweeping(
        board, models, budget, files, body_models, readers, compile, save_minutes, replace
    )
    asked = _Asked(spread.numbers(top, "--top", int), mix, range(seeds), dry_run, json)
    raise typer.Exit(_studied(store, how, where, asked))


def _studied(store: Path | None, how: spread.Sweeping, where: Settings, asked: _Asked) -> int:
    """Plan, run and print; the exit code."""
    from ehpsbench.cli import console, sweep_console
    from ehpsbench.leaderboards.rankings import ranking
    from ehpsbench.leaderboards.sweeps import scaling as library
    from ehpsbench.leaderboards.sweeps.halved import stopped_early
    from ehpsbench.store import Store, default_store

    place = Store((store or default_store()).resolve())
    ranked = ranking(place, Path(how.board).stem)
    chosen = library.mixes(ranked, asked.tops, asked.mix, stopped_early(place, ranked))
    work = spread.work_of(place, chosen[asked.tops[-1]].parts, how)
    jobs = library.scaling_plan(work, chosen, asked.seeds)
    sweep_console.show_plan(work, jobs, where, cells=asked.dry_run, json=asked.json)
    if asked.dry_run:
        return 0
    with sweep_console.progress(where) as (ended, watch):
        found = library.scale(work, chosen, asked.seeds, where, ended=ended, watch=watch)
    if asked.json:
        points = [asdict(point) for point in found.points]
        console.print_json({"parts": found.parts, "points": points})
    else:
        _print_points(work.board.title, found)
    sweep_console.print_failures(found.failures)
    return spread.FINDINGS if found.failures else 0


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
