"""`ehpsbench rank-datasets [DATASET …]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ehpsbench.cli import spread
from ehpsbench.cli.options import BodyModelsOption, JsonOption, StoreOption

if TYPE_CHECKING:
    from ehpsbench.executors.settings import Settings
    from ehpsbench.leaderboards.sweeps.halved import Halved
    from ehpsbench.leaderboards.sweeps.jobs import Work
    from ehpsbench.leaderboards.sweeps.sweep import Failure
    from ehpsbench.leaderboards.table import Standings

DatasetsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Datasets in the store.", show_default="all that have a train split"),
]
MoreOption = Annotated[
    list[str] | None, typer.Option("--datasets", help="The same, with commas between.")
]
BoardOption = Annotated[str, typer.Option(help="Board, or a .toml file.")]
RecipeOption = Annotated[str, typer.Option(help="Recipe, or a .toml file.")]
SeedsOption = Annotated[int, typer.Option(min=1, help="Training runs per dataset.")]
BudgetOption = Annotated[
    int | None, typer.Option(min=1, help="Samples seen, instead of the recipe's.")
]
WeightsOption = Annotated[
    Path | None, typer.Option(help="Pretrained weights, where the recipe wants some.")
]
HalvingOption = Annotated[
    bool, typer.Option("--halving", help="Stop early who cannot reach the top.")
]
RungsOption = Annotated[str, typer.Option(help="Of halving: shares of the budget, rising.")]
TopOption = Annotated[int, typer.Option(min=1, help="Of halving: how many are looked for.")]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of a sweep.

    Attributes:
        datasets: names; none: all that can be trained on.
        seeds: of each.
        rungs: of halving, as they were given; None: a full sweep.
        top: how many halving looks for.
        dry_run: only the plan.
        json: instead of tables.
    """

    datasets: Sequence[str]
    seeds: range
    rungs: str | None
    top: int
    dry_run: bool
    json: bool


def rank_datasets(
    datasets: DatasetsArgument = None,
    more: MoreOption = None,
    board: BoardOption = "ehps-five",
    recipe: RecipeOption = "micro-cpu",
    seeds: SeedsOption = 3,
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
    halving: HalvingOption = False,
    rungs: RungsOption = "0.1,0.3,0.6,1",
    top: TopOption = 3,
    dry_run: spread.DryRunOption = False,
    store: StoreOption = None,
    body_models: BodyModelsOption = None,
    json: JsonOption = False,
) -> None:
    """Train one model per dataset under one budget, score it on a board, and rank the datasets.

    The plan and its cost are shown first. What is finished is skipped, and a stopped or killed
    sweep goes on with the same command. Ends with 1 if a cell failed.
    """
    where = spread.trainer_of(executor, workers, partition, gpus)
    how = spread.Sweeping(
        board, [recipe], budget, weights, body_models, readers, compile, save_minutes, replace
    )
    named = spread.names([*(datasets or ()), *(more or ())])
    asked = _Asked(named, range(seeds), rungs if halving else None, top, dry_run, json)
    raise typer.Exit(_swept(store, how, where, asked))


def _swept(store: Path | None, how: spread.Sweeping, where: Settings, asked: _Asked) -> int:
    """Plan, run and print; the exit code."""
    from ehpsbench.cli import sweep_console
    from ehpsbench.leaderboards.sweeps.rank_datasets import trainable
    from ehpsbench.store import Store, default_store

    place = Store((store or default_store()).resolve())
    chosen = asked.datasets or trainable(place)
    work = spread.work_of(place, chosen, how)
    run = _rank if asked.rungs is None else _halve
    failures = run(work, chosen, where, asked)
    sweep_console.print_failures(failures)
    return spread.FINDINGS if failures else 0


def _rank(work: Work, datasets: Sequence[str], where: Settings, asked: _Asked) -> Sequence[Failure]:
    """The full sweep, and its table."""
    from ehpsbench.cli import console, sweep_console
    from ehpsbench.leaderboards.sweeps.rank_datasets import plan, rank_jobs

    jobs = plan(work, datasets, asked.seeds)
    sweep_console.show_plan(work, jobs, where, cells=asked.dry_run, json=asked.json)
    if asked.dry_run:
        return ()
    with sweep_console.progress(where) as (ended, watch):
        found = rank_jobs(work, jobs, where, ended=ended, watch=watch)
    if asked.json:
        console.print_json(found.standings and found.standings.as_dict())
    elif found.standings is not None:
        _print_ranking(found.standings, work)
    return found.failures


def _halve(
    work: Work, datasets: Sequence[str], where: Settings, asked: _Asked
) -> Sequence[Failure]:
    """Successive halving, and its tables."""
    from ehpsbench.cli import console, sweep_console
    from ehpsbench.leaderboards.sweeps.halving import halve

    shares = spread.numbers(asked.rungs or "", "--rungs", float)
    _show_first_rung(work, datasets, where, asked, shares)
    if asked.dry_run:
        return ()
    with sweep_console.progress(where) as (ended, watch):
        found = halve(
            work,
            datasets,
            asked.seeds,
            where,
            shares=shares,
            top=asked.top,
            ended=ended,
            watch=watch,
        )
    if asked.json:
        console.print_json(found.as_dict())
        return found.failures
    _print_halved(found)
    if found.standings is not None:
        _print_ranking(found.standings, work)
    return found.failures


def _show_first_rung(
    work: Work,
    datasets: Sequence[str],
    where: Settings,
    asked: _Asked,
    shares: Sequence[float],
) -> None:
    """What is known of halving before it begins: who is in the next rungs depends on the first."""
    from ehpsbench.cli import console, sweep_console
    from ehpsbench.leaderboards.sweeps.halving import first_plan, rung_samples

    [recipe] = work.recipes.values()
    ends = rung_samples(shares, recipe.budget.samples_seen, recipe.budget.batch)
    jobs = first_plan(work, datasets, asked.seeds, shares)
    sweep_console.show_plan(
        work, jobs, where, cells=asked.dry_run, json=asked.json, rungs=len(ends) - 1
    )
    console.say(
        f"That is the first of the rungs at {', '.join(map(str, ends))} samples a cell; a full "
        f"sweep is {len(jobs) * ends[-1]:,} samples."
    )
    if len(asked.seeds) == 1:
        console.say(
            "With one seed no interval holds the luck of training, so that datasets may stop for "
            "bad luck. Better: --seeds 3."
        )


def _print_ranking(found: Standings, work: Work) -> None:
    from ehpsbench.cli import console
    from ehpsbench.cli.standings import print_standings

    print_standings(found)
    console.out.print(f"Now: ehpsbench report --board {work.board.name}")


def _print_halved(found: Halved) -> None:
    """Who stopped where and why, what it cost, and how it compares."""
    from ehpsbench.cli import console
    from ehpsbench.leaderboards.digits import with_unit
    from ehpsbench.leaderboards.spelling import spelled

    if found.standings is None:
        console.out.print("Every dataset lacks cells, so nobody was judged yet.")
        return
    score = found.standings.score
    head = ("training set", "samples", with_unit(spelled(score.name), score.unit), "ranks", "")
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
