"""The scaling study: several models, each on the best two, four, … datasets of a ranking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ehpsbench.errors import InputError
from ehpsbench.executors.settings import Settings
from ehpsbench.leaderboards.selection import select_top
from ehpsbench.leaderboards.sweeps.jobs import Job, Work, job, refuse_taken
from ehpsbench.leaderboards.sweeps.rank_datasets import entrants_of, ranking_of
from ehpsbench.leaderboards.sweeps.ready import check_benchmarks, check_images
from ehpsbench.leaderboards.sweeps.sweep import Ended, Failure, Watch, sweep
from ehpsbench.leaderboards.table import Standings, Value
from ehpsbench.training.mix import Mix, Strategy


@dataclass(frozen=True, slots=True)
class Point:
    """One model on one mix.

    Attributes:
        recipe: the model.
        top: how many datasets.
        mpe: mean primary error [mm] with its interval; NaN where a cell of it failed.
        entries: the cells behind it.
    """

    recipe: str
    top: int
    mpe: Value
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scaled:
    """The study.

    Attributes:
        points: recipe by recipe, in ascending numbers of datasets.
        parts: the datasets of the largest mix, best first.
        standings: of all points as groups; None where nothing is complete.
        failures: cells that ended without results.
    """

    points: tuple[Point, ...]
    parts: tuple[str, ...]
    standings: Standings | None
    failures: tuple[Failure, ...]


def mixes(
    found: Standings,
    tops: Sequence[int],
    strategy: Strategy = "balanced",
    stopped: Mapping[str, int] | None = None,
) -> dict[int, Mix]:
    """The best datasets of a ranking, so many at a time.

    Raises:
        InputError: numbers that do not rise, or more datasets than the ranking holds.
    """
    if not tops or any(a >= b for a, b in pairwise(tops)):
        raise InputError(f"--top wants rising numbers of datasets, for example 2,4,8; got {tops}.")
    return {top: select_top(found, top, strategy=strategy, stopped=stopped).mix for top in tops}


def scaling_plan(work: Work, chosen: dict[int, Mix], seeds: Iterable[int]) -> list[Job]:
    """The cells of the study: recipe by mix by seed; `done` where all of a cell exists."""
    check_benchmarks(work)
    jobs = [
        job(work, mix if top > 1 else mix.parts[0], recipe, seed, group=_group(recipe, top))
        for seed in seeds
        for recipe in work.recipes
        for top, mix in chosen.items()
    ]
    refuse_taken(work, jobs)
    check_images(work, jobs)
    return jobs


def scale(
    work: Work,
    chosen: dict[int, Mix],
    seeds: Sequence[int],
    executor: Settings,
    *,
    ended: Ended | None = None,
    watch: Watch | None = None,
) -> Scaled:
    """Run the study; a stopped call goes on.

    Args:
        work: what the cells share; the recipes are the models.
        chosen: the mix of each number of datasets.
        seeds: of the training runs.
        executor: where the cells run.
        ended: called when a cell with its results is there.
        watch: called every second or so.
    """
    jobs = scaling_plan(work, chosen, seeds)
    failures = sweep(work, jobs, executor, ended=ended, watch=watch)
    found = ranking_of(work, entrants_of(work, jobs))
    rows = {} if found is None else {row.name: row for row in found.rows}
    points = []
    for recipe in work.recipes:
        for top in chosen:
            row = rows.get(_group(recipe, top))
            entries = row.entries if row is not None else ()
            points.append(Point(recipe, top, Value() if row is None else row.mpe, entries))
    return Scaled(tuple(points), chosen[max(chosen)].parts, found, failures)


def _group(recipe: str, top: int) -> str:
    return f"{recipe} on top {top}"
