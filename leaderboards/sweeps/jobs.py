"""One cell from start to end: train it, predict, score it on a board; all that is done stays."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ehpsbench.atomic import digest, intact_json, write_text
from ehpsbench.errors import InputError
from ehpsbench.evaluation.protocol import Protocol, protocol
from ehpsbench.evaluation.results import has_result, rows_path
from ehpsbench.executors.cores import readers_here
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.sweeps.showing import Showing
from ehpsbench.training import cells
from ehpsbench.training.mix import Mix
from ehpsbench.training.recipe import Recipe

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

PATIENCE = 90.0  # seconds: longer than a stopped process of the same cell takes to save its state
SHOWN = 5  # cells that an error lists
SECONDS = "seconds"  # beside the benchmarks of a record: what scoring took


@dataclass(frozen=True, slots=True)
class Job:
    """One cell, or a rung of it, to train and to score.

    Attributes:
        group: what it is ranked as: the dataset, or the mix with its recipe.
        trained_on: the dataset or the mix.
        recipe: its name.
        seed: of the run.
        cell: id of the run.
        budget: samples that it sees.
        until: where this rung of it ends; None: at the budget.
        done: whether cell and results exist for this content.
    """

    group: str
    trained_on: str | Mix
    recipe: str
    seed: int
    cell: str
    budget: int
    until: int | None = None
    done: bool = False

    @property
    def entry(self) -> str:
        """The name under which it is scored."""
        return cells.entry(self.cell, self.until)

    @property
    def samples(self) -> int:
        """Samples seen when it ends."""
        return self.budget if self.until is None else self.until

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        parts = cells.mix_of(self.trained_on).parts
        names = ("recipe", "seed", "cell", "samples", "done")
        fields = {name: getattr(self, name) for name in names}
        return {"dataset": self.group, "parts": list(parts), **fields}


@dataclass(frozen=True, slots=True)
class Work:
    """What all jobs of a sweep share.

    Attributes:
        store: with the data; runs and results go there.
        recipes: by name.
        board: what is scored.
        bodies: the body set of all rows.
        weights: pretrained weights, for the recipes that want some: of all of them, or by recipe.
        readers: processes of each cell that read its crops; None: as many as cores are to spare
            for it where it trains on a GPU, none on a CPU.
        compile: whether torch compiles the networks.
        save_minutes: between two states of a run.
        replace: finished runs of the same names with other content, and their scores.
    """

    store: Store
    recipes: Mapping[str, Recipe]
    board: Board
    bodies: BodySet
    weights: Path | Mapping[str, Path] | None = None
    readers: int | None = None
    compile: bool = False
    save_minutes: float = 10.0
    replace: bool = False

    def weights_of(self, recipe: str) -> Path | None:
        """The pretrained weights where the recipe wants some."""
        if self.recipes[recipe].model.pretrained == "none":
            return None
        return self.weights.get(recipe) if isinstance(self.weights, Mapping) else self.weights

    def cell(self, job: Job) -> cells.Cell:
        """What the job's run depends on."""
        how, weights = self.recipes[job.recipe], self.weights_of(job.recipe)
        return cells.cell(self.store, job.trained_on, how, job.seed, self.bodies, weights=weights)


def job(
    work: Work,
    trained_on: str | Mix,
    recipe: str,
    seed: int,
    *,
    until: int | None = None,
    group: str | None = None,
) -> Job:
    """The job that trains on a dataset or mix; `done` where all of it exists for this content.

    Raises:
        UnknownName: a dataset is not in the store.
        BodyMismatch: a dataset was read with another body set.
        InputError: a dataset has no split to train on.
    """
    budget = work.recipes[recipe].budget.samples_seen
    end = None if until is None or until >= budget else until
    name = cells.mix_of(trained_on).name
    cell = cells.cell_id(name, recipe, seed)
    wanted = Job(group or name, trained_on, recipe, seed, cell, budget, end)
    made = work.cell(wanted)
    done = cells.is_done(work.store, made, end) and not _stale(work, wanted, made)
    return Job(wanted.group, trained_on, recipe, seed, made.id, budget, end, done)


def taken(work: Work, jobs: Sequence[Job]) -> list[str]:
    """Cells of a plan whose names finished runs of other content have; `replace` removes those."""
    names = dict.fromkeys(one.cell for one in jobs if not one.done)
    by_name = {one.cell: one for one in jobs}
    return [
        name
        for name in names
        if cells.trained(work.store, name)
        and cells.record(work.store, name)["hash"] != work.cell(by_name[name]).hash
    ]


def refuse_taken(work: Work, jobs: Sequence[Job]) -> None:
    """Before anything is trained, say which finished runs a plan would remove.

    Raises:
        InputError: there are some, and nobody said that they may go.
    """
    found = [] if work.replace else taken(work, jobs)
    if found:
        some = ", ".join(found[:SHOWN]) + (", …" if len(found) > SHOWN else "")
        raise InputError(
            f"{len(found)} finished cells have these names and other content: {some}. Rename the "
            "recipe to keep both, or give --replace: they and their scores then go, and are "
            "trained anew."
        )


def run_job(work: Work, job: Job) -> None:
    """Train one cell if it is not there, predict and evaluate on every benchmark.

    Raises:
        StoreError: another process works on the same cell.
    """
    from ehpsbench.leaderboards.scoring import score
    from ehpsbench.training.journal import aloud
    from ehpsbench.training.lock import working_on
    from ehpsbench.training.loop import train

    recipe, weights = work.recipes[job.recipe], work.weights_of(job.recipe)
    with (
        working_on(work.store, job.cell, _patience()),
        Showing.of(work.store, job.cell, job.samples) as showing,
    ):
        train(
            work.store,
            job.trained_on,
            recipe,
            job.seed,
            work.bodies,
            until=job.until,
            weights=weights,
            workers=readers_here() if work.readers is None else work.readers,
            save_minutes=work.save_minutes,
            compile=work.compile,
            replace=work.replace,
            progress=showing.trained,
            say=lambda line: aloud(f"{job.cell}: {line}"),
        )
        wanted = _keys(work, work.cell(job))
        record = intact_json(record_path(work.store, job))
        for benchmark in (b for b in wanted if not _scored(work, job, b, wanted, record)):
            started = time.perf_counter()
            show = partial(showing.scored, benchmark)
            show(0, 0)
            score(work.store, job.entry, benchmark, work.bodies, progress=show)
            took = record.get(SECONDS, {}) | {benchmark: time.perf_counter() - started}
            record = record | {benchmark: wanted[benchmark], SECONDS: took}
            write_text(record_path(work.store, job), json.dumps(record, indent=1))


def forget_stale(work: Work, jobs: Sequence[Job]) -> None:
    """Remove results of other content, so that no ranking takes them for those of a failed cell."""
    for one in jobs:
        wanted, record = _keys(work, work.cell(one)), intact_json(record_path(work.store, one))
        for benchmark in wanted:
            if not _scored(work, one, benchmark, wanted, record):
                rows = rows_path(work.store, one.entry, benchmark)
                rows.with_suffix(".json").unlink(missing_ok=True)


def record_path(store: Store, job: Job) -> Path:
    """The file that says from which content an entry's results were made."""
    return store.runs / job.cell / (cells.entry("evaluated", job.until) + ".json")


def _stale(work: Work, wanted: Job, made: cells.Cell) -> bool:
    """True when a benchmark's result is missing or was made from other content."""
    keys, record = _keys(work, made), intact_json(record_path(work.store, wanted))
    return not all(_scored(work, wanted, name, keys, record) for name in keys)


def _scored(
    work: Work, job: Job, benchmark: str, wanted: Mapping[str, str], record: Mapping[str, Any]
) -> bool:
    same = record.get(benchmark) == wanted[benchmark]
    return same and has_result(work.store, job.entry, benchmark)


def _keys(work: Work, cell: cells.Cell) -> dict[str, str]:
    """Benchmark → hash of all that its result depends on."""
    rules = [protocol(b) for b in work.board.protocols]
    return {rule.name: digest([cell.hash, rule.hash, _data(work.store, rule)]) for rule in rules}


def _data(store: Store, rule: Protocol) -> Any:
    return store.manifest(rule.dataset)["splits"].get(rule.split)


def _patience() -> float:
    """Seconds to wait for who works on a cell; Slurm may run a job beside an older one of it."""
    return math.inf if "SLURM_JOB_ID" in os.environ else PATIENCE
