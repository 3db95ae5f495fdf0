"""Successive halving: all datasets at a small budget; those that may yet be among the top go on.

A dataset stops when it is among the top k, of those still running, in fewer than 5 % of the
resamples.
The learning rate falls over the whole budget, so that nobody who goes on was trained otherwise than
in a full sweep; a rung is read before it has fallen. The resamples hold the luck of seeds and of
test recordings, not that curves may cross later: with few seeds or a small first rung, compare.
A dataset with a failed cell is not judged, and waits until the same call has made that cell; among
fewer a rank is no worse, so that nobody stops for its absence.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from ehpsbench.errors import InputError
from ehpsbench.executors.settings import Settings
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.rankings import save_ranking
from ehpsbench.leaderboards.sweeps.comparison import Comparison, compared
from ehpsbench.leaderboards.sweeps.halved import Halved, Place, save_halved
from ehpsbench.leaderboards.sweeps.jobs import Job, Work
from ehpsbench.leaderboards.sweeps.rank_datasets import entrants_of, plan, ranking_of
from ehpsbench.leaderboards.sweeps.sweep import Ended, Failure, Watch, sweep
from ehpsbench.leaderboards.table import Standings

RUNGS = (0.1, 0.3, 0.6, 1.0)
TOP = 3
LEAST_CHANCE = 0.05  # of being among the top, with less of which a dataset stops


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
    ladder = _Ladder(work, datasets, seeds, top)
    for rung in rungs:
        ladder.climb(rung, executor, ended, watch, last=rung == rungs[-1])
        if not ladder.running:
            break
    return ladder.outcome(rungs)


class _Ladder:
    """Who still runs, who stopped where, and what it took."""

    def __init__(self, work: Work, datasets: Sequence[str], seeds: Sequence[int], top: int) -> None:
        self.work, self.datasets, self.seeds, self.top = work, datasets, seeds, top
        self.running, self.before, self.samples = list(datasets), 0, 0
        self.places, self.stopped, self.aside = list[Place](), list[Place](), list[Place]()
        self.failures = list[Failure]()
        self.entrants: Mapping[str, Entrant] = {}
        self.found: Standings | None = None

    def climb(
        self, rung: int, executor: Settings, ended: Ended | None, watch: Watch | None, *, last: bool
    ) -> None:
        """Run those that still run up to a rung, and judge them there."""
        jobs = _jobs(self.work, self.datasets, self.running, self.seeds, rung)
        failed = sweep(self.work, jobs, executor, ended=ended, watch=watch)
        self.failures += failed
        self.samples += (len(jobs) - len(failed)) * (rung - self.before)
        self.before = rung
        self.aside = _not_judged(failed, rung) + self.aside
        judged = [one for one in jobs if one.group not in {place.name for place in self.aside}]
        self.entrants = entrants_of(self.work, judged)
        self.found = ranking_of(self.work, self.entrants)
        self.places = [] if self.found is None else _places(self.found, rung, self.top, last=last)
        self.stopped = [place for place in self.places if place.stopped] + self.stopped
        self.running = [place.name for place in self.places if not place.stopped]

    def outcome(self, rungs: tuple[int, ...]) -> Halved:
        """What it came to, which the store keeps."""
        order = (*(p for p in self.places if not p.stopped), *self.stopped, *self.aside)
        names, left = [place.name for place in order], len(self.running)
        same = None
        if not self.aside:
            jobs = plan(self.work, self.datasets, self.seeds)
            same = _compared(self.work, jobs, names, left, self.top)
        store, board = self.work.store, self.work.board
        if self.found is not None and same is None:  # else the full ranking stays the board's
            save_ranking(store, board, self.entrants)
        full = len(self.datasets) * len(self.seeds) * rungs[-1]
        failures = tuple(self.failures)
        found = Halved(self.top, rungs, order, self.found, self.samples, full, same, failures)
        save_halved(store, board.name, found)
        return found


def _not_judged(failures: Sequence[Failure], rung: int) -> list[Place]:
    """The datasets with a failed cell: what the others came to says nothing of them."""
    count = Counter(failure.job.group for failure in failures)
    return [
        Place(name, rung, math.nan, 0, 0, False, f"not judged: {cells} of its cells failed", False)
        for name, cells in count.items()
    ]


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
        chance = row.within[min(top, len(row.within)) - 1]
        stops = not last and chance < LEAST_CHANCE
        why = "ran to the end" if last else _why(chance, top, stops=stops)
        places.append(Place(row.name, samples, row.mpe.mean, low, high, stops, why))
    return places


def _why(chance: float, top: int, *, stops: bool) -> str:
    """A sentence on a dataset that may stop."""
    limit = f", less than {100 * LEAST_CHANCE:g} %" if stops else ""
    return f"among the top {top} in {100 * chance:.1f} % of the resamples{limit}"


def _compared(
    work: Work, jobs: Sequence[Job], order: Sequence[str], survivors: int, top: int
) -> Comparison | None:
    """Against the full sweep; None where the store lacks a cell of it."""
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
