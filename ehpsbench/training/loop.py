"""One training run, visible from top to bottom: what is asked, its beginning, steps and end.

Whatever is random is drawn from (seed, what, position), so that a run that was killed goes on
where its last saved state was and, on a CPU with the same number of threads, ends bit-identical.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ehpsbench.training import cells
from ehpsbench.training.beginnings import begun
from ehpsbench.training.checkpoint import load_state, save_best
from ehpsbench.training.endings import bad_batch, leave, stopped
from ehpsbench.training.journal import Journal, Meter, Say, aloud
from ehpsbench.training.learner import NotFinite
from ehpsbench.training.lock import working_on
from ehpsbench.training.ranks import Ranks, ranks
from ehpsbench.training.run import Assignment, Progress, Resources, Run
from ehpsbench.training.schedule import learning_rate
from ehpsbench.training.signals import stop_requests

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store
    from ehpsbench.training.mix import Mix
    from ehpsbench.training.recipe import Recipe


def train(
    store: Store,
    dataset: str | Mix,
    recipe: Recipe,
    seed: int,
    bodies: BodySet,
    *,
    splits: tuple[str, ...] | None = None,
    device: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    until: int | None = None,
    weights: Path | None = None,
    start_from: str | Path | None = None,
    micro_batch: int | None = None,
    workers: int = 0,
    save_minutes: float = 10.0,
    compile: bool = False,
    replace: bool = False,
    say: Say = aloud,
) -> Path:
    """Train one cell, or go on with it, or leave it if it is done.

    Args:
        store: where the rows are and the run goes.
        dataset: name in the store, or a mix of several.
        recipe: how.
        seed: of everything random.
        bodies: the body set of the rows.
        splits: of a dataset; default: those called train….
        device: "cpu" or "cuda"; default: a GPU when there is one.
        threads: of the CPU; default: as torch is set.
        progress: called after every step with (samples seen, samples in all).
        until: stop after so many samples of the same schedule (to the end of a batch), keep their
            weights as `at-<until>.safetensors`, and what is needed to go on. At the budget or
            past it: the whole run.
        weights: pretrained weights of the trunk, where the recipe wants some.
        start_from: a cell or rung of the store, or a file: weights of the whole network.
        micro_batch: crops that go through the network at once, on each rank; default: all of a
            batch, or what memory holds of it.
        workers: processes that read crops; 0: this one.
        save_minutes: between two states, beside those at the points of the curve.
        compile: whether torch compiles the network.
        replace: a finished run of the same name with other content, and its scores; default: an
            error.
        say: told in a line what a user should know.

    Returns:
        The run's folder, with cell.json, log.jsonl, checkpoint.safetensors, heldout.json.

    Raises:
        StoreError: another process is at work on the cell.
        Stopped: by SIGTERM or Ctrl-C, after the state was saved.
        InputError: data that cannot be trained on; a loss that is no number, with its batch; a
            finished run of the same name with other content.
    """
    if until is not None and until >= recipe.budget.samples_seen:
        until = None
    mix = cells.mix_of(dataset, splits)
    wanted = cells.cell(store, mix, recipe, seed, bodies, weights=weights, start_from=start_from)
    if not cells.is_done(store, wanted, until):
        _run(
            Assignment(store, wanted, mix, recipe, bodies, until, weights, start_from, replace),
            Resources(device, threads, micro_batch, workers, save_minutes, compile, progress, say),
        )
    return store.runs / wanted.id


def _run(what: Assignment, resources: Resources) -> None:
    """From the beginning, or the last state, to the end; by one process at a time."""
    store, cell = what.store, what.cell
    with (
        ranks(resources.device) as here,
        stop_requests(resources.say) as stop,
        _settled(here, resources.threads),
        working_on(store, cell.id) if here.first else nullcontext(),
    ):
        (done,) = here.any(here.first and cells.is_done(store, cell, what.until))
        if not done:  # by another process, since it was asked before
            run = begun(what, resources, here, stop)
            _steps(run)
            leave(run, store, what.until)
            here.wait()


@contextmanager
def _settled(here: Ranks, threads: int | None) -> Iterator[None]:
    """Threads, tiny numbers and random state as a run wants them; the last two are put back."""
    if threads is not None:
        torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    try:
        with torch.random.fork_rng([here.device] if here.device.type == "cuda" else []):
            yield
    finally:
        torch.set_flush_denormal(False)


def _steps(run: Run) -> None:
    """Take every step that is left, and stand still where the schedule or a signal says so."""
    learner, here, schedule = run.learner, run.here, run.schedule
    about = load_state(run.folder, learner.network, learner.optimiser, learner.say)
    seen, meter = about["samples_seen"], Meter.of(about.get("meter"), here)
    learner.micro = run.resources.micro_batch or about.get("micro_batch")
    journal = Journal.of(run.folder, seen, learner.say) if here.first else None
    portions = run.order.portions(seen, schedule.end, here, run.resources.workers)
    saved, clock = time.perf_counter(), 0.0
    while seen < schedule.end:
        portion = next(portions)
        fetched, count = time.perf_counter(), schedule.size(seen)
        clock = clock or fetched  # until the first batch readers start, which is no waiting
        try:
            terms = learner.step(portion, seen, count)
        except NotFinite as bad:
            raise bad_batch(run, meter, bad, seen, portion) from bad
        now = time.perf_counter()
        seen += count
        meter.add(terms, count, waited=fetched - clock, worked=now - fetched)
        late = now - saved > 60 * run.resources.save_minutes
        asked, due = here.any(run.stop.signal is not None, here.first and late)
        if seen in schedule.marks:
            _mark(run, meter, journal, seen)
            meter = Meter()
        if due or asked or seen in schedule.marks or seen == schedule.end:
            run.save(meter, seen)
            saved = time.perf_counter()
        if run.resources.progress is not None and here.first:
            run.resources.progress(seen, schedule.end)
        if asked and seen < schedule.end:
            raise stopped(run, seen)
        clock = time.perf_counter()
    if journal is not None:
        journal.close()


def _mark(run: Run, meter: Meter, journal: Journal | None, seen: int) -> None:
    """A point of the curve: the held-out error, a line of the log, the best weights."""
    told = meter.told(run.here)
    if journal is None:
        return
    learner, recipe = run.learner, run.recipe
    error = run.check.joints_mm(run.check.look(learner.network, recipe.input, run.here.device))
    rate = learning_rate(recipe.optimiser, seen, recipe.budget.samples_seen)
    journal.write(seen, rate, told, error)
    save_best(run.folder, learner.network, run.cell, seen, error)
