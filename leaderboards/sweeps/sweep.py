"""Runs the cells of a plan wherever the executor does, and says how far they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from ehpsbench.atomic import write_text
from ehpsbench.errors import EhpsbenchError
from ehpsbench.executors.cores import readers_each
from ehpsbench.executors.look_up import run
from ehpsbench.executors.outcome import Outcome
from ehpsbench.executors.settings import Settings
from ehpsbench.leaderboards.sweeps.cost import seen_before
from ehpsbench.leaderboards.sweeps.jobs import Job, Work, forget_stale, run_job
from ehpsbench.leaderboards.sweeps.showing import FOLDER, Running, Status, showing_path

Ended = Callable[[int, int, str], None]
"""Called with cells done, cells in all, and the one that just ended well."""

Watch = Callable[[Status], None]
"""Called every second or so with how far the sweep is."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A cell that ended without its results, and why."""

    job: Job
    error: Exception

    @property
    def words(self) -> str:
        """The error; one that is no message of ours with its kind."""
        text = str(self.error)
        if isinstance(self.error, EhpsbenchError):
            return text
        where = f"runs/{FOLDER}/{self.job.cell}.error.txt in the store"
        return f"{type(self.error).__name__}: {text} (where: {where})"


def sweep(
    work: Work,
    jobs: Sequence[Job],
    executor: Settings,
    *,
    ended: Ended | None = None,
    watch: Watch | None = None,
) -> tuple[Failure, ...]:
    """Run what is not done; the death of a cell, or of this process, costs what was not saved.

    Args:
        work: what the cells share.
        jobs: the plan.
        executor: where.
        ended: called when a cell with its results is there.
        watch: called every second or so.

    Returns:
        The cells that failed; the same call goes on with them.
    """
    waiting = [job for job in jobs if not job.done]
    forget_stale(work, waiting)
    if work.readers is None:
        work = replace(work, readers=readers_each(executor))
    for job in waiting:  # what a killed process left
        showing_path(work.store, job.cell).unlink(missing_ok=True)
    account = _Account(work, jobs, waiting, watch)
    outcomes = run(
        run_job, work, waiting, executor, watch=account.look, logs=work.store.runs / FOLDER
    )
    with closing(outcomes):
        for job, outcome in outcomes:
            account.end(job, outcome)
            if ended is not None and outcome.error is None:
                ended(account.done, len(jobs), job.entry)
    return tuple(account.failures)


class _Account:
    """Counts what ends; reads what runs."""

    def __init__(
        self, work: Work, jobs: Sequence[Job], waiting: Sequence[Job], watch: Watch | None
    ) -> None:
        self.work, self.watch, self.total = work, watch, len(jobs)
        self.done = len(jobs) - len(waiting)
        self.before = {job.entry: seen_before(work, job) for job in waiting}
        self.samples = sum(self._new(job, job.samples) for job in waiting)
        self.seen, self.failures = 0, list[Failure]()
        self.started = time.monotonic()

    def _new(self, job: Job, seen: int) -> int:
        """Samples beyond those of an earlier process."""
        return max(seen - self.before[job.entry], 0)

    def end(self, job: Job, outcome: Outcome) -> None:
        if outcome.error is None:
            self.done += 1
        else:
            self.failures.append(Failure(job, outcome.error))
            path = showing_path(self.work.store, job.cell)
            path.unlink(missing_ok=True)
            if notes := getattr(outcome.error, "__notes__", ()):  # a bug, with its traceback
                write_text(path.with_suffix(".error.txt"), "\n".join(notes))
        self.seen += self._new(job, job.samples)

    def look(self, running: Sequence[Job]) -> None:
        if self.watch is None:
            return
        now = [Running.read(self.work.store, job.cell, job.samples) for job in running]
        fresh = (self._new(job, one.seen) for job, one in zip(running, now, strict=True))
        seen = self.seen + sum(fresh)
        seconds = time.monotonic() - self.started
        failed = len(self.failures)
        self.watch(Status(self.total, self.done, failed, now, seen, self.samples, seconds))
