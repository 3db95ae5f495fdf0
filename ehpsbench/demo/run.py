"""The demo, start to end: releases of planted worth → store → cells → ranking → report."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ehpsbench
from ehpsbench.atomic import digest, write_text
from ehpsbench.demo.plan import Plan, read_plan
from ehpsbench.demo.verdict import verdict
from ehpsbench.errors import InputError
from ehpsbench.leaderboards.table import Standings
from ehpsbench.processes import completed
from ehpsbench.store import Store
from ehpsbench.world.settings import WorldSettings

Say = Callable[[str], None]

BODY = "open-small"
SOURCE = "bedlam"  # whose release every training set is
BENCHMARKS = {  # dataset → split of its miniature
    "agora": "validation",
    "ubody": "test",
    "egobody_egocentric": "test",
    "pw3d": "test",
    "ehf": "test",
}
RECORD, MADE_BY = "demo.json", "ehpsbench demo"
OURS = {RECORD, "releases", "store", "report.html"}


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo found.

    Attributes:
        path: the HTML report.
        standings: the ranking.
        verdict: what became of the planted order; see `ehpsbench.demo.verdict`.
    """

    path: Path
    standings: Standings
    verdict: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Release:
    """One miniature release to write and read."""

    dataset: str
    name: str
    split: str
    layout: str
    people: int
    settings: WorldSettings
    seed: int
    scale: float


def run_demo(
    out: Path,
    *,
    seed: int = 0,
    workers: int | None = None,
    plan: Plan | None = None,
    recipe: str | Path = "micro-cpu",
    say: Say = lambda line: None,
) -> DemoReport:
    """Run the demo in `out`; a stopped one goes on where it was.

    Args:
        out: folder for releases, store and report; must be new, or of an earlier demo.
        seed: of the worlds and of the training.
        workers: processes; default: one per processor.
        plan: the table of worth; default: the one that comes with ehpsbench.
        recipe: how to train.
        say: told what is being done.

    Raises:
        InputError: `out` holds something else.
    """
    from ehpsbench.body.bodies import open_bodies
    from ehpsbench.leaderboards.board import board
    from ehpsbench.leaderboards.sweeps.rank_datasets import rank_datasets
    from ehpsbench.reports.make import make_report
    from ehpsbench.training.recipe import recipe as find_recipe

    plan = plan or read_plan()
    count = workers or os.cpu_count() or 1
    bodies = open_bodies("small")
    how = find_recipe(recipe)
    store = planted_store(out, plan, seed=seed, workers=count, say=say)
    names = [planned.name for planned in plan.sets]
    with _timed(
        say, f"Training {len(names) * plan.seeds} cells of {how.budget.samples_seen:,} samples"
    ):
        standings = rank_datasets(
            store,
            names,
            how,
            board("ehps-five"),
            bodies,
            seeds=training_seeds(plan, seed),
            workers=count,
            replace=True,
            progress=lambda done, total, cell: say(f"  {done}/{total}  {cell}"),
        )
    checks = [check for row in standings.rows if (check := row.own_people)]
    found = verdict(plan, standings, checks)
    path = make_report(
        store,
        standings,
        bodies,
        out=out / "report.html",
        title="Demo: which training set is worth most?",
        verdict=found,
        about={planned.name: planned.about for planned in plan.sets},
    )
    return DemoReport(path, standings, found)


def planted_store(out: Path, plan: Plan, *, seed: int, workers: int, say: Say) -> Store:
    """The store of a demo in `out`, with every set of a plan and the benchmarks in it.

    Raises:
        InputError: `out` holds something else.
    """
    from ehpsbench.body.bodies import open_bodies

    body = open_bodies("small").id
    _claim(out, {"plan": digest(plan.model_dump(mode="json")), "seed": seed, "body": body})
    store = Store(out / "store")
    with _timed(say, "Writing and reading miniature releases"):
        _fill(store, out / "releases", _releases(plan, seed), workers, say)
    return store


def training_seeds(plan: Plan, seed: int) -> list[int]:
    """Of the runs of each set."""
    return [seed * plan.seeds + i for i in range(plan.seeds)]


def _claim(out: Path, wanted: dict[str, Any]) -> None:
    """Make `out` ours: keep an earlier demo of the same content, clear another one."""
    record = out / RECORD
    wanted = {"made_by": MADE_BY, "ehpsbench": ehpsbench.__version__} | wanted
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        found = _record(record)
        if found == wanted:
            return
        strange = {p.name for p in out.iterdir()} - OURS if out.is_dir() else {out.name}
        if found.get("made_by") != MADE_BY or strange:
            raise InputError(f"{out} holds something that is not a demo; give --out a new folder.")
        for folder in ("releases", "store"):
            shutil.rmtree(out / folder, ignore_errors=True)
    write_text(record, json.dumps(wanted, indent=1, sort_keys=True))


def _record(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _releases(plan: Plan, seed: int) -> list[_Release]:
    """Training sets, then benchmarks; every one has people of its own."""
    world = plan.benchmark_settings()
    wanted = [
        *(
            (SOURCE, s.name, "train", plan.layout, s.people or plan.people, plan.settings(s))
            for s in plan.sets
        ),
        *((n, n, split, "owners", plan.benchmark_people, world) for n, split in BENCHMARKS.items()),
    ]
    return [
        _Release(*one, seed=int(digest([seed, one[1]])[:8], 16), scale=plan.image_scale)
        for one in wanted
    ]


def _fill(store: Store, folder: Path, releases: Sequence[_Release], workers: int, say: Say) -> None:
    """Write and ingest every release that the store does not hold yet."""
    waiting = [r for r in releases if r.name not in store.datasets()]
    places = folder, store.root
    for _, told in completed(_write_and_read, places, waiting, workers):
        say(f"  {told}")


def _write_and_read(places: tuple[Path, Path], release: _Release) -> str:
    """One release on disk and in the store; says what it holds."""
    from ehpsbench.ingest import ingest
    from ehpsbench.samples import write_sample

    folder, store = places
    root = folder / release.name
    if not root.exists():
        write_sample(
            release.dataset,
            root,
            people=release.people,
            seed=release.seed,
            body=BODY,
            split=release.split,
            layout=release.layout,
            settings=release.settings,
            scale=release.scale,
        )
    report = ingest(release.dataset, root, Store(store), alias=release.name, layout=release.layout)
    people = sum(report.instances.values())
    return f"{release.name}: {people:,} people, {sum(report.rejects.values())} refused"


@contextmanager
def _timed(say: Say, what: str) -> Iterator[None]:
    say(f"{what} …")
    started = time.monotonic()
    yield
    say(f"  {time.monotonic() - started:.0f} s")
