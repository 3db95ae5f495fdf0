"""One model per dataset under one budget, scored on a board, ranked: plan, run, evaluate, rank."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ehpsbench.atomic import digest, write_text
from ehpsbench.errors import InputError
from ehpsbench.evaluation.mesh.rules import mesh_protocol
from ehpsbench.evaluation.mesh.selection import select
from ehpsbench.evaluation.protocol import Protocol, protocol
from ehpsbench.evaluation.results import has_result
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.rankings import save_ranking
from ehpsbench.leaderboards.standings import standings
from ehpsbench.leaderboards.table import Standings
from ehpsbench.processes import completed
from ehpsbench.training import cells
from ehpsbench.training.recipe import Recipe

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

Progress = Callable[[int, int, str], None]
"""Called with cells done, cells in all, and the one that just ended."""

EVALUATED = "evaluated.json"


@dataclass(frozen=True, slots=True)
class Job:
    """One cell to train, and the benchmarks to score it on."""

    dataset: str
    seed: int
    cell: str
    done: bool


@dataclass(frozen=True, slots=True)
class Work:
    """What all jobs of a ranking share."""

    store: Store
    recipe: Recipe
    board: Board
    bodies: BodySet


def plan(
    store: Store,
    datasets: Sequence[str],
    recipe: Recipe,
    seeds: Sequence[int],
    board: Board,
    bodies: BodySet,
) -> list[Job]:
    """The cells of a ranking, seed by seed; `done` where cell and results exist for this content.

    Raises:
        UnknownName: a dataset or a benchmark's data is not in the store.
        BodyMismatch: a dataset was read with another body set.
        InputError: fewer than two datasets, or one twice; a benchmark that scores nobody.
    """
    if len(set(datasets)) < len(datasets) or len(datasets) < 2:
        raise InputError(f"Ranking needs two datasets or more, each once; got {list(datasets)}.")
    rules = [mesh_protocol(b) for b in board.ids]
    for rule in rules:
        select(store, rule, bodies)  # a benchmark that scores nobody fails now, not after training
    jobs = []
    for seed in seeds:
        for dataset in datasets:
            wanted = cells.cell(store, dataset, recipe, seed, bodies)
            done = cells.is_done(store, wanted) and not _stale(store, wanted, rules)
            jobs.append(Job(dataset, seed, wanted.id, done))
    return jobs


def rank_datasets(
    store: Store,
    datasets: Sequence[str],
    recipe: Recipe,
    board: Board,
    bodies: BodySet,
    *,
    seeds: Sequence[int] = (0,),
    workers: int = 1,
    progress: Progress | None = None,
) -> Standings:
    """Train what is missing, score it, and rank the datasets.

    Args:
        store: with the datasets and the benchmarks' data.
        datasets: names in the store; one model each and per seed.
        recipe: how to train; the same budget for all.
        board: what they are ranked on.
        bodies: the body set of all rows.
        seeds: of the training runs.
        workers: local processes, one thread each; 1 runs here with all threads.
        progress: called when a cell with its results is there.

    Returns:
        Standings with one row a dataset; the store keeps who was ranked.
    """
    jobs = plan(store, datasets, recipe, seeds, board, bodies)
    waiting = [job for job in jobs if not job.done]
    work = Work(store, recipe, board, bodies)
    count = len(jobs) - len(waiting)
    for job, _ in completed(run_job, work, waiting, min(workers, max(len(waiting), 1))):
        count += 1
        if progress is not None:
            progress(count, len(jobs), job.cell)
    entrants = {job.cell: entrant(store, job.dataset, board) for job in jobs}
    save_ranking(store, board, entrants)
    return standings(store, board, entrants)


def entrant(store: Store, dataset: str, board: Board) -> Entrant:
    """A cell's group (its dataset) and the benchmarks on which it is not zero-shot.

    A benchmark is in-domain when its data come from the dataset that trained the cell, or from
    one that either card lists as overlapping.
    """
    from ehpsbench.dataset_adapters import catalogue

    source = store.manifest(dataset)["source_dataset"]
    near = {source, *catalogue.card(source).overlaps}
    own = set()
    for benchmark in board.ids:
        other = store.manifest(protocol(benchmark).dataset)["source_dataset"]
        if other in near or source in catalogue.card(other).overlaps:
            own.add(benchmark)
    return Entrant(group=dataset, in_domain=frozenset(own))


def run_job(work: Work, job: Job) -> None:
    """Train one cell if it is not there, predict and evaluate on every benchmark."""
    from ehpsbench.evaluation.evaluate import evaluate
    from ehpsbench.training.loop import train
    from ehpsbench.training.predict import predict

    store, bodies = work.store, work.bodies
    folder = train(store, job.dataset, work.recipe, job.seed, bodies)
    for benchmark in work.board.ids:
        predict(store, job.cell, benchmark, bodies)
        evaluate(store, job.cell, benchmark, bodies)
    wanted = cells.cell(store, job.dataset, work.recipe, job.seed, bodies)
    rules = [protocol(b) for b in work.board.ids]
    write_text(folder / EVALUATED, json.dumps(_keys(store, wanted, rules), indent=1))


def _keys(store: Store, cell: cells.Cell, rules: Sequence[Protocol]) -> dict[str, str]:
    """Benchmark → hash of all that its result depends on."""
    return {
        rule.name: digest(
            [cell.hash, rule.hash, store.manifest(rule.dataset)["splits"].get(rule.split)]
        )
        for rule in rules
    }


def _stale(store: Store, cell: cells.Cell, rules: Sequence[Protocol]) -> bool:
    """True when a benchmark's result is missing or was made from other content."""
    record = _read(store.runs / cell.id / EVALUATED)
    wanted = _keys(store, cell, rules)
    same = all(record.get(name) == key for name, key in wanted.items())
    return not same or not all(has_result(store, cell.id, name) for name in wanted)


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found
