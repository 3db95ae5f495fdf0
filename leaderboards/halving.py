"""Successive halving: all datasets at a small budget; those that may yet be among the top go on.

A dataset stops when even the best rank of its 95 % interval, among those still running, is past k.
The learning rate falls over the whole budget, so that nobody who goes on was trained otherwise than
in a full sweep; a rung is read before it has fallen. The interval holds the luck of seeds and of
test recordings, not that curves may cross later: with few seeds or a small first rung, compare.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ehpsbench.atomic import write_text
from ehpsbench.errors import InputError
from ehpsbench.executors.settings import Settings
from ehpsbench.leaderboards.comparison import Comparison, compared
from ehpsbench.leaderboards.jobs import Job, Work
from ehpsbench.leaderboards.rank_datasets import entrants_of, plan, ranking_of
from ehpsbench.leaderboards.rankings import save_ranking
from ehpsbench.leaderboards.sweep import Ended, Failure, Watch, sweep
from ehpsbench.leaderboards.table import Standings, plain

if TYPE_CHECKING:
    from ehpsbench.store import Store

RUNGS = (0.1, 0.3, 1.0)
TOP = 3
SUFFIX = ".halving.json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a dataset stood when it was last looked at.

    Attributes:
        name: of the dataset.
        samples: that each of its runs saw.
        mpe_mm: mean primary error there.
        rank_low: best rank of its interval, among those that ran so far.
        rank_high: worst rank of it.
        stopped: whether it was stopped there.
        why: in words.
    """

    name: str
    samples: int
    mpe_mm: float
    rank_low: int
    rank_high: int
    stopped: bool
    why: str


@dataclass(frozen=True, slots=True)
class Halved:
    """What successive halving came to.

    Attributes:
        top: how many are looked for.
        rungs: samples at which all were looked at; the last is the budget.
        places: of all datasets, best first: those that ran to the end, then those stopped last.
        standings: of those that ran to the end; None while a rung lacks cells.
        samples: that were trained on.
        full_samples: that the full sweep trains on.
        comparison: with the full sweep, where the store holds it.
        failures: cells that ended without results; nobody is stopped on a rung that lacks some.
    """

    top: int
    rungs: tuple[int, ...]
    places: tuple[Place, ...]
    standings: Standings | None
    samples: int
    full_samples: int
    comparison: Comparison | None
    failures: tuple[Failure, ...]

    @property
    def survivors(self) -> list[str]:
        """Who ran to the end, best first."""
        return [place.name for place in self.places if not place.stopped]

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what is not known is None."""
        found: dict[str, Any] = plain(
            {
                "top": self.top,
                "rungs": self.rungs,
                "places": [asdict(place) for place in self.places],
                "survivors": self.survivors,
                "samples": self.samples,
                "full_samples": self.full_samples,
                "comparison": None if self.comparison is None else asdict(self.comparison),
                "standings": None if self.standings is None else self.standings.as_dict(),
                "failures": {f.job.entry: f.words for f in self.failures},
            }
        )
        return found


def rung_samples(shares: Sequence[float], budget: int, batch: int) -> tuple[int, ...]:
    """Samples at each rung: shares of the budget, to the end of a batch; the last is the budget.

    Raises:
        InputError: the shares do not rise, or lie outside of (0, 1].
    """
    rising = all(a < b for a, b in pairwise(shares))
    if not shares or not rising or not shares[0] > 0 or shares[-1] > 1:
        raise InputError(
            f"Rungs are rising shares of the budget, above 0 and at most 1; got {list(shares)}."
        )
    rounded = [min(math.ceil(share * budget / batch) * batch, budget) for share in shares]
    return tuple(dict.fromkeys([*rounded, budget]))


def first_plan(
    work: Work, datasets: Sequence[str], seeds: Iterable[int], shares: Sequence[float] = RUNGS
) -> list[Job]:
    """The cells of the first rung; who is in the next ones depends on it."""
    [recipe] = work.recipes.values()
    rungs = rung_samples(shares, recipe.budget.samples_seen, recipe.budget.batch)
    return plan(work, datasets, seeds, until=rungs[0])


def halve(
    work: Work,
    datasets: Sequence[str],
    seeds: Sequence[int],
    executor: Settings,
    *,
    shares: Sequence[float] = RUNGS,
    top: int = TOP,
    ended: Ended | None = None,
    watch: Watch | None = None,
) -> Halved:
    """Find the top datasets of a full sweep for less than it costs; a stopped call goes on.

    Args:
        work: what the cells share; one recipe.
        datasets: names in the store.
        seeds: of the training runs.
        executor: where the cells run.
        shares: of the budget, at which those stop that cannot reach the top.
        top: how many are looked for.
        ended: called when a cell with its results is there.
        watch: called every second or so.

    Raises:
        InputError: rungs that do not rise; a top of all datasets, which would stop nobody.
    """
    if not 1 <= top < len(datasets):
        raise InputError(
            f"--top {top} of {len(datasets)} datasets: it must be 1 or more, and fewer than all."
        )
    [recipe] = work.recipes.values()
    rungs = rung_samples(shares, recipe.budget.samples_seen, recipe.budget.batch)
    running, before, samples = list(datasets), 0, 0
    stopped: list[Place] = []
    failures: tuple[Failure, ...] = ()
    for rung in rungs:
        jobs = _jobs(work, datasets, running, seeds, rung)
        failures = sweep(work, jobs, executor, ended=ended, watch=watch)
        samples += len(jobs) * (rung - before)
        before = rung
        entrants = entrants_of(work, jobs)
        found = None if failures else ranking_of(work, entrants)
        if found is None:
            places = [Place(n, rung, math.nan, 0, 0, False, "not known yet") for n in running]
            break
        places = _places(found, rung, top, last=rung == rungs[-1])
        stopped = [place for place in places if place.stopped] + stopped
        running = [place.name for place in places if not place.stopped]
    full = len(datasets) * len(seeds) * rungs[-1]
    order = (*(place for place in places if not place.stopped), *stopped)
    comparison = None
    if found is not None:
        comparison = _compared(work, datasets, seeds, [p.name for p in order], len(running), top)
        if comparison is None:  # else the full ranking stays the board's
            save_ranking(work.store, work.board, entrants)
    halved = Halved(top, rungs, order, found, samples, full, comparison, failures)
    text = json.dumps(halved.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(halving_path(work.store, work.board.name), text + "\n")
    return halved


def halving_path(store: Store, board: str) -> Path:
    """Where the outcome of halving on a board is kept."""
    return store.reports / f"{board}{SUFFIX}"


def _jobs(
    work: Work, datasets: Sequence[str], running: Sequence[str], seeds: Sequence[int], rung: int
) -> list[Job]:
    """The cells of those that still run; one dataset alone may run on to the end."""
    every = plan(work, datasets, seeds, until=rung)
    return [one for one in every if one.group in running]


def _places(found: Standings, samples: int, top: int, *, last: bool) -> list[Place]:
    """Everybody's place at a rung, best first; who cannot reach the top stops there."""
    places = []
    for row in found.rows:
        low, high = row.mpe.rank_low, row.mpe.rank_high
        if low is None or high is None:
            raise InputError(f"{row.name} has no rank: no result on {', '.join(row.missing)}.")
        stops = not last and low > top
        if last:
            why = "ran to the end"
        elif stops:
            why = f"its rank interval {low}–{high} cannot reach the top {top}"
        else:
            why = f"its rank interval {low}–{high} reaches the top {top}"
        places.append(Place(row.name, samples, row.mpe.mean, low, high, stops, why))
    return places


def _compared(
    work: Work,
    datasets: Sequence[str],
    seeds: Sequence[int],
    order: Sequence[str],
    survivors: int,
    top: int,
) -> Comparison | None:
    """Against the full sweep; None where the store lacks a cell of it."""
    jobs = plan(work, datasets, seeds)
    if not all(one.done for one in jobs):
        return None
    full = ranking_of(work, entrants_of(work, jobs))
    if full is None:
        return None
    return compared(full, order, survivors, top, sizes(work, jobs))


def sizes(work: Work, jobs: Sequence[Job]) -> Mapping[str, int]:
    """People to train on, by dataset."""
    found = {}
    for one in jobs:
        made = work.cell(one)
        found[one.group] = sum(
            work.store.manifest(part)["splits"][split]["instances"]
            for part, splits in zip(made.parts, made.splits, strict=True)
            for split in splits
        )
    return found
