"""`ehpsbench rank-datasets [DATASET …]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from ehpsbench.executors.settings import Settings
    from ehpsbench.leaderboards.sweeps.halved import Halved
    from ehpsbench.leaderboards.sweeps.jobs import Job, Work
    from ehpsbench.leaderboards.sweeps.sweep import Failure
    from ehpsbench.leaderboards.table import Standings


@dataclass(frozen=True, slots=True)
class _Halving:
    """What is asked of halving: shares of the budget, how many are looked for, what is printed."""

    shares: Sequence[float]
    top: int
    dry_run: bool
    json: bool


def rank_datasets(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(help="Datasets in the store.", show_default="all that have a train split"),
    ] = None,
    more: Annotated[
        list[str] | None, typer.Option("--datasets", help="The same, with commas between.")
    ] = None,
    board: Annotated[str, typer.Option(help="Board, or a .toml file.")] = "ehps-five",
    recipe: Annotated[str, typer.Option(help="Recipe, or a .toml file.")] = "micro-cpu",
    seeds: Annotated[int, typer.Option(min=1, help="Training runs per dataset.")] = 3,
    budget: Annotated[
        int | None, typer.Option(min=1, help="Samples seen, instead of the recipe's.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Pretrained weights, where the recipe wants some.")
    ] = None,
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    gpus: GpusOption = None,
    partition: PartitionOption = None,
    readers: ReadersOption = None,
    compile: CompileOption = False,
    save_minutes: SaveMinutesOption = 10.0,
    replace: ReplaceOption = False,
    halving: Annotated[
        bool, typer.Option("--halving", help="Stop early who cannot reach the top.")
    ] = False,
    rungs: Annotated[
        str, typer.Option(help="Of halving: shares of the budget, rising.")
    ] = "0.1,0.3,1",
    top: Annotated[int, typer.Option(min=1, help="Of halving: how many are looked for.")] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")] = False,
    store: StoreOption = None,
    body_models: BodyModelsOption = None,
    json: JsonOption = False,
) -> None:
    """Train one model per dataset under one budget, score it on a board, and rank the datasets.

    The plan and its cost are shown first. What is finished is skipped, and a stopped or killed
    sweep goes on with the same command. Ends with 1 if a cell failed.
    """
    from ehpsbench.cli import spread, sweep_console
    from ehpsbench.leaderboards.sweeps import rank_datasets as library
    from ehpsbench.store import Store, default_store

    place = Store((store or default_store()).resolve())
    where = spread.trainer_of(executor, workers, partition, gpus)
    chosen = spread.names([*(datasets or ()), *(more or ())]) or library.trainable(place)
    how = spread.Sweeping(
        board, [recipe], budget, weights, body_models, readers, compile, save_minutes, replace
    )
    work = spread.work_of(place, chosen, how)
    if halving:
        shares = spread.numbers(rungs, "--rungs", float)
        halving_as = _Halving(shares, top, dry_run=dry_run, json=json)
        failures = _halve(work, chosen, range(seeds), where, halving_as)
    else:
        failures = _rank(work, library.plan(work, chosen, range(seeds)), where, dry_run, json)
    sweep_console.print_failures(failures)
    raise typer.Exit(FINDINGS if failures else 0)


def _rank(
    work: Work, jobs: Sequence[Job], where: Settings, dry_run: bool, json: bool
) -> Sequence[Failure]:
    """The full sweep, and its table."""
    from ehpsbench.cli import console, sweep_console
    from ehpsbench.leaderboards.sweeps.rank_datasets import rank_jobs

    sweep_console.show_plan(work, jobs, where, cells=dry_run, json=json)
    if dry_run:
        return ()
    with sweep_console.progress(where) as (ended, watch):
        found = rank_jobs(work, jobs, where, ended=ended, watch=watch)
    if json:
        console.print_json(found.standings and found.standings.as_dict())
    elif found.standings is not None:
        _print_ranking(found.standings, work)
    return found.failures


def _halve(
    work: Work,
    datasets: Sequence[str],
    seeds: Sequence[int],
    where: Settings,
    how: _Halving,
) -> Sequence[Failure]:
    """Successive halving, and its tables."""
    from ehpsbench.cli import console, sweep_console
    from ehpsbench.leaderboards.sweeps.halving import first_plan, halve, rung_samples

    [recipe] = work.recipes.values()
    ends = rung_samples(how.shares, recipe.budget.samples_seen, recipe.budget.batch)
    jobs = first_plan(work, datasets, seeds, how.shares)
    sweep_console.show_plan(
        work, jobs, where, cells=how.dry_run, json=how.json, rungs=len(ends) - 1
    )
    console.say(
        f"That is the first of the rungs at {', '.join(map(str, ends))} samples a cell; a full "
        f"sweep is {len(jobs) * ends[-1]:,} samples."
    )
    if len(seeds) == 1:
        console.say(
            "With one seed no interval holds the luck of training, so that datasets may stop for "
            "bad luck. Better: --seeds 3."
        )
    if how.dry_run:
        return ()
    with sweep_console.progress(where) as (ended, watch):
        found = halve(
            work, datasets, seeds, where, shares=how.shares, top=how.top, ended=ended, watch=watch
        )
    if how.json:
        console.print_json(found.as_dict())
        return found.failures
    _print_halved(found)
    if found.standings is not None:
        _print_ranking(found.standings, work)
    return found.failures


def _print_ranking(found: Standings, work: Work) -> None:
    from ehpsbench.cli import console
    from ehpsbench.cli.standings import print_standings

    print_standings(found)
    console.out.print(f"Now: ehpsbench report --board {work.board.name}")


def _print_halved(found: Halved) -> None:
    """Who stopped where and why, what it cost, and how it compares."""
    from ehpsbench.cli import console

    if found.standings is None:
        console.out.print("Every dataset lacks cells, so nobody was judged yet.")
        return
    head = ("training set", "samples", "MPE [mm]", "ranks", "")
    rows = [
        (p.name, p.samples, f"{p.mpe_mm:.1f}", f"{p.rank_low}–{p.rank_high}", p.why)
        if p.judged
        else (p.name, p.samples, "–", "–", p.why)
        for p in found.places
    ]
    console.print_table(f"Successive halving, top {found.top}", head, rows)
    share = found.samples / found.full_samples
    console.out.print(
        f"Samples: {found.samples:,} of the full sweep's {found.full_samples:,} ({share:.0%})"
    )
    if found.comparison is None:
        console.out.print("Not compared: the store does not hold the full sweep.")
        return
    same = found.comparison
    ways = [
        (way.way, f"{way.tau:.2f}", f"{way.of_top:.2g}", f"{way.holds_first_ties:.0%}")
        for way in same.ways
    ]
    console.print_table(
        f"{same.chosen} datasets chosen, against the full sweep",
        ("chosen by", "Kendall's tau", f"of the top {same.top}", "holds the first tie group"),
        ways,
    )
    console.out.print(f"Its first tie group: {', '.join(same.first_ties)}", soft_wrap=True)
