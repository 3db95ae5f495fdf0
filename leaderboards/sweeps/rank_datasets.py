"""One model per dataset under one budget, scored on a board, ranked: plan, run, evaluate, rank."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ehpsbench.errors import InputError
from ehpsbench.executors.settings import Settings
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.entrants import entrant
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.rankings import save_ranking
from ehpsbench.leaderboards.standings import primary_numbers, standings
from ehpsbench.leaderboards.sweeps.jobs import Job, Work, job, refuse_taken
from ehpsbench.leaderboards.sweeps.ready import check_benchmarks, check_images
from ehpsbench.leaderboards.sweeps.sweep import Ended, Failure, Watch, sweep
from ehpsbench.leaderboards.table import Standings
from ehpsbench.motions import refuse_motions
from ehpsbench.training import cells
from ehpsbench.training.recipe import Recipe

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store


@dataclass(frozen=True, slots=True)
class Ranked:
    """What a sweep over datasets came to.

    Attributes:
        standings: of all that is complete; None where nothing is.
        failures: cells that ended without their results.
    """

    standings: Standings | None
    failures: tuple[Failure, ...]


def trainable(store: Store) -> list[str]:
    """The datasets of a store that have pictures and a split to train on."""
    pictured = filter(store.pictured, store.datasets())
    named = {name: store.manifest(name)["splits"] for name in pictured}
    return [n for n, splits in named.items() if any(s.lower().startswith("train") for s in splits)]


def plan(
    work: Work, datasets: Sequence[str], seeds: Iterable[int], *, until: int | None = None
) -> list[Job]:
    """The cells of a ranking, seed by seed; `done` where cell and results exist for this content.

    Raises:
        UnknownName: a dataset or a benchmark's data is not in the store.
        BodyMismatch: a dataset was read with another body set.
        InputError: fewer than two datasets, one twice, or one without pictures; a benchmark that
            scores nobody; a finished cell of the same name with other content, unless it is to be
            replaced.
        MissingFiles: images of a benchmark are not there.
    """
    if len(set(datasets)) < len(datasets) or len(datasets) < 2:
        raise InputError(f"Ranking needs two datasets or more, each once; got {list(datasets)}.")
    for name in datasets:
        refuse_motions(work.store, name, "a model is trained on pictures")
    check_benchmarks(work)
    [recipe] = work.recipes
    jobs = [job(work, name, recipe, seed, until=until) for seed in seeds for name in datasets]
    refuse_taken(work, jobs)
    check_images(work, jobs)
    return jobs


def rank_datasets(
    store: Store,
    datasets: Sequence[str],
    recipe: Recipe,
    board: Board,
    bodies: BodySet,
    *,
    seeds: Sequence[int] = (0,),
    workers: int | None = 1,
    weights: Path | None = None,
    replace: bool = False,
    progress: Ended | None = None,
) -> Standings:
    """Train what is missing on this machine, score it, and rank the datasets.

    Args:
        store: with the datasets and the benchmarks' data.
        datasets: names in the store; one model each and per seed.
        recipe: how to train; the same budget for all.
        board: what they are ranked on.
        bodies: the body set of all rows.
        seeds: of the training runs.
        workers: local processes; with one thread each where there are several.
        weights: pretrained weights, where the recipe wants some.
        replace: finished cells of the same names with other content.
        progress: called when a cell with its results is there.

    Returns:
        Standings with one row a dataset; the store keeps who was ranked.

    Raises:
        Exception: the first cell's error, after the others have ended.
    """
    work = Work(store, {recipe.name: recipe}, board, bodies, weights, replace=replace)
    jobs = plan(work, datasets, seeds)
    ranked = rank_jobs(work, jobs, Settings(workers=workers), ended=progress)
    if ranked.failures or ranked.standings is None:
        raise ranked.failures[0].error
    return ranked.standings


def rank_jobs(
    work: Work,
    jobs: Sequence[Job],
    executor: Settings,
    *,
    ended: Ended | None = None,
    watch: Watch | None = None,
) -> Ranked:
    """Run a plan and rank what is complete; what failed is said, and costs nothing else.

    Args:
        work: what the cells share.
        jobs: the plan.
        executor: where they run.
        ended: called when a cell with its results is there.
        watch: called every second or so with how far all is.
    """
    failures = sweep(work, jobs, executor, ended=ended, watch=watch)
    entrants = entrants_of(work, jobs)
    found = ranking_of(work, entrants)
    if found is not None:
        save_ranking(work.store, work.board, entrants)
    return Ranked(found, failures)


def entrants_of(work: Work, jobs: Sequence[Job]) -> dict[str, Entrant]:
    """Who is ranked: the entry of every job, in its group."""
    return {
        one.entry: entrant(work.store, cells.mix_of(one.trained_on).parts, work.board, one.group)
        for one in jobs
    }


def ranking_of(work: Work, entrants: Mapping[str, Entrant]) -> Standings | None:
    """The standings, unless nobody has a result."""
    if not any(primary_numbers(work.store, work.board, entry) for entry in entrants):
        return None
    return standings(work.store, work.board, entrants)
