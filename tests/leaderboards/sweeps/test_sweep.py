"""Sweeps over tiny sets: killed in every way, they come to the ranks of an undisturbed one."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.results import Result, read_result, write_result
from ehpsbench.executors.settings import Settings
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.rankings import ranking
from ehpsbench.leaderboards.sweeps.cost import cost
from ehpsbench.leaderboards.sweeps.halved import stopped_early
from ehpsbench.leaderboards.sweeps.halving import halve
from ehpsbench.leaderboards.sweeps.jobs import Work, taken
from ehpsbench.leaderboards.sweeps.rank_datasets import plan, rank_jobs
from ehpsbench.leaderboards.sweeps.scaling import mixes, scale
from ehpsbench.leaderboards.sweeps.showing import Status
from ehpsbench.store import Store
from ehpsbench.training.cells import budgeted
from ehpsbench.training.recipe import Recipe

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

TINY = {
    "name": "tiny",
    "about": "Few numbers, nothing learnt.",
    "input": {"height": 32, "width": 32, "store": "raw"},
    "model": {
        **{"patch": 16, "dim": 16, "depth": 1, "heads": 2, "mlp_ratio": 1},
        **{"decoder_depth": 1, "decoder_heads": 2, "head_dim": 16},
    },
    "budget": {"samples_seen": 80, "batch": 8},
    "optimiser": {"lr": 1e-3, "min_lr": 1e-5},
}
LONG = 960  # samples: a second or more, long enough to be killed in
BOARD = 'title = "One"\n[[benchmarks]]\nid = "pw3d-test"\nprimary = "mpjpe"\n'
HERE = Settings(executor="here")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three training sets and a benchmark; do not write into it."""
    from ehpsbench.ingest import ingest
    from ehpsbench.samples import write_sample

    root = tmp_path_factory.mktemp("sweep")
    store = Store(root / "store")
    flat = {"images": "flat", "body": "open-small", "scale": 0.1}
    for seed, name in enumerate("abc"):
        write_sample("bedlam", root / name, people=12, seed=seed, split="train", **flat)
        ingest("bedlam", root / name, store, alias=name)
    write_sample("pw3d", root / "pw3d", people=8, seed=9, split="test", **flat)
    ingest("pw3d", root / "pw3d", store)
    return store.root


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Store:
    """A copy of it."""
    return Store(Path(shutil.copytree(made, tmp_path / "store")))


@pytest.fixture
def work(store: Store, bodies: BodySet) -> Work:
    recipe = Recipe.model_validate(TINY)
    board = Board.of("one", "One", {"pw3d-test": "mpjpe"})
    return Work(store, {"tiny": recipe}, board, bodies)


def test_what_is_finished_is_known_and_costs_nothing(work: Work) -> None:
    jobs = plan(work, "ab", [0])
    assert (cost(work, jobs).samples, cost(work, jobs).seconds) == (160, None)
    found = rank_jobs(work, jobs[:1], HERE)
    assert found.failures == ()
    again = plan(work, "ab", [0])
    assert [job.done for job in again] == [True, False]
    left = cost(work, again)
    assert (left.done, left.samples, left.measured) == (1, 80, 1)
    assert left.seconds is not None
    assert left.seconds > 0
    assert cost(work, again, device="cuda").seconds is None, "a CPU says nothing of it"
    weights = (work.store.runs / "a--tiny--s0" / "checkpoint.safetensors").stat().st_size
    assert left.runs_bytes == (6 + 2 * 2) * weights
    assert cost(work, jobs, at_once=1, rungs=2).runs_bytes == (6 + 4 * 2) * weights


def test_what_an_earlier_process_has_seen_is_not_told_as_done_now(work: Work) -> None:
    rank_jobs(work, plan(work, "ab", [0], until=40), HERE)
    said: list[Status] = []
    rank_jobs(work, plan(work, "ab", [0]), HERE, watch=said.append)
    assert [(one.seen, one.samples) for one in said] == [(0, 80), (40, 80)]


def test_a_cell_that_fails_is_named_and_the_others_are_ranked(work: Work) -> None:
    jobs = plan(work, "abc", [0])
    for part in work.store.parts("instances", "b"):
        part.unlink()
    found = rank_jobs(work, jobs, HERE)
    assert [failure.job.cell for failure in found.failures] == ["b--tiny--s0"]
    assert found.standings is not None
    assert {row.name for row in found.standings.rows if row.mpe.rank} == {"a", "c"}
    assert found.standings.row("b").missing == ("pw3d-test",)


def spoil(work: Work, entry: str) -> None:
    """Add half a metre to everybody's error."""
    result = read_result(work.store, entry, "pw3d-test")
    at = result.rows.column_names.index("mpjpe")
    worse = np.asarray(result.rows["mpjpe"]) + 500
    rows = result.rows.set_column(at, "mpjpe", [worse])
    write_result(work.store, Result(rows, result.summary))


def test_halving_stops_the_worst_and_the_scaling_study_takes_the_best(work: Work) -> None:
    shares = (0.1, 1.0)
    rank_jobs(work, plan(work, "abc", [0], until=8), HERE)
    spoil(work, "b--tiny--s0@8")
    found = halve(work, "abc", [0], HERE, shares=shares, top=2)
    stopped = found.places[-1]
    assert (stopped.name, stopped.samples, stopped.stopped) == ("b", 8, True)
    assert set(found.survivors) == {"a", "c"}
    assert (found.samples, found.full_samples) == (3 * 8 + 2 * 72, 240)
    assert found.comparison is None, "the full sweep is not there"
    assert not (work.store.runs / "b--tiny--s0" / "cell.json").exists()
    kept = ranking(work.store, "one")
    assert stopped_early(work.store, kept) == {"b": 8}
    with pytest.raises(InputError, match="Halving left others out: b at 8 samples"):
        mixes(kept, [3], stopped=stopped_early(work.store, kept))
    rank_jobs(work, plan(work, "abc", [0]), HERE)
    spoil(work, "b--tiny--s0")
    assert stopped_early(work.store, ranking(work.store, "one")) == {}
    again = halve(work, "abc", [0], HERE, shares=shares, top=2)
    assert again.comparison is not None
    assert again.comparison.ways[0].of_top == 2
    assert again.places == found.places
    best = mixes(ranking(work.store, "one"), [1, 2])
    first = work.store.runs / f"{best[1].parts[0]}--tiny--s0"
    made = {path: path.stat().st_mtime_ns for path in sorted(first.glob("c*"))}
    scaled = scale(work, best, [0], HERE)
    assert set(scaled.parts) == {"a", "c"}
    assert [(p.recipe, p.top, np.isfinite(p.mpe.mean)) for p in scaled.points] == [
        ("tiny", 1, True),
        ("tiny", 2, True),
    ]
    assert scaled.points[0].entries == (first.name,)
    assert {path.name for path in made} == {"cell.json", "checkpoint.safetensors"}
    assert {path: path.stat().st_mtime_ns for path in made} == made, "not trained twice"


def test_halving_goes_on_without_a_dataset_whose_cell_fails_and_does_not_stop_it(
    work: Work,
) -> None:
    rank_jobs(work, plan(work, "ac", [0], until=8), HERE)
    spoil(work, "c--tiny--s0@8")
    kept = {part: part.read_bytes() for part in work.store.parts("instances", "b")}
    for part in kept:
        part.unlink()
    found = halve(work, "abc", [0], HERE, shares=(0.1, 1.0), top=1)
    assert (found.survivors, found.unjudged) == (["a"], ["b"])
    assert [(p.name, p.stopped, p.samples) for p in found.places[1:]] == [
        ("c", True, 8),
        ("b", False, 8),
    ]
    assert found.places[-1].why == "not judged: 1 of its cells failed"
    assert [failure.job.entry for failure in found.failures] == ["b--tiny--s0@8"]
    assert found.samples == 2 * 8 + 72
    for part, rows in kept.items():
        part.write_bytes(rows)
    again = halve(work, "abc", [0], HERE, shares=(0.1, 1.0), top=1)
    assert (again.unjudged, again.failures) == ([], ())
    assert [p.name for p in again.places if p.samples == 8 and p.stopped][-1] == "c"


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Store, int], list[str]]:
    folder = tmp_path_factory.mktemp("definitions")
    (folder / "one.toml").write_text(BOARD)
    recipe = budgeted(Recipe.model_validate(TINY), LONG).model_dump(mode="json", exclude_none=True)
    (folder / "long.toml").write_text(_toml(recipe))

    def made(store: Store, workers: int) -> list[str]:
        words = ["rank-datasets", "a", "b", "--seeds", "1", "--json"]
        words += ["--board", str(folder / "one.toml")]
        words += ["--recipe", str(folder / "long.toml"), "--store", str(store.root)]
        return [sys.executable, "-m", "ehpsbench", *words, "--workers", str(workers)]

    return made


def _toml(fields: dict[str, Any]) -> str:
    plain = {k: v for k, v in fields.items() if not isinstance(v, dict)}
    lines = [f"{k} = {json.dumps(v)}" for k, v in plain.items()]
    for name in fields.keys() - plain:
        lines += [f"[{name}]", *(f"{k} = {json.dumps(v)}" for k, v in fields[name].items())]
    return "\n".join(lines) + "\n"


PIPES: dict[str, Any] = {
    "stdout": subprocess.PIPE,
    "stderr": subprocess.PIPE,
    "text": True,
    "env": os.environ | {"OMP_NUM_THREADS": "1"},
}


def errors(said: str) -> dict[str, float]:
    rows = json.loads(said)["rows"]
    return {row["name"]: row["mpe"]["mean"] for row in rows if row["mpe"]["mean"] is not None}


def _end(process: subprocess.Popen[str], status: int) -> str:
    """What it printed, once it ended as it should."""
    out, said = process.communicate(timeout=300)
    assert process.returncode == status, said
    assert "Traceback" not in said
    return out if status != 1 else out + said


def undisturbed(work: Work) -> dict[str, float]:
    """Each set's error when nobody is killed; with one thread, as the command has."""
    import torch

    long = budgeted(work.recipes["tiny"], LONG)
    quiet = replace(work, recipes={long.name: long})
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = rank_jobs(quiet, plan(quiet, "ab", [0]), HERE).standings
    finally:
        torch.set_num_threads(threads)
    assert found is not None
    return {row.name: row.mpe.mean for row in found.rows}


def wait_until_training(store: Store) -> str:
    """The cell that is first seen in the midst of its steps."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        for path in store.runs.glob(".sweep/*.json"):
            said = path.read_text() if path.exists() else ""
            if '"training"' in said and 0 < json.loads(said)["seen"] < LONG * 0.75:
                return path.stem
        time.sleep(0.01)
    raise AssertionError("no cell began to train")


def test_a_worker_and_a_planner_that_are_killed_cost_nothing_but_time(
    work: Work, command: Callable[[Store, int], list[str]], made: Path, tmp_path: Path
) -> None:
    store = work.store
    planner = subprocess.Popen(command(store, 2), **PIPES)
    cell = wait_until_training(store)
    told = (store.runs / ".locks" / f"{cell}.lock").read_text()
    os.kill(int(re.findall(r"process (\d+)", told)[0]), signal.SIGKILL)
    said = _end(planner, 1)
    assert f"failed: {cell}: The process that worked on it was killed by SIGKILL" in said
    other = ({"a", "b"} - {cell[0]}).pop()
    survived = errors(said[: said.rindex("}") + 1])
    assert set(survived) == {other}

    planner = subprocess.Popen(command(store, 1), **PIPES)
    assert wait_until_training(store) == cell, "the other is done"
    planner.terminate()
    assert _end(planner, 128 + signal.SIGTERM) == ""
    assert list((store.runs / cell).glob("state-*.json")), "the worker saved its state first"

    planner = subprocess.Popen(command(store, 1), **PIPES)
    wait_until_training(store)
    planner.kill()
    planner.communicate()
    found = errors(_end(subprocess.Popen(command(store, 1), **PIPES), 0))

    still = Store(Path(shutil.copytree(made, tmp_path / "still")))
    assert found == undisturbed(replace(work, store=still))
    assert found[other] == survived[other]


def test_a_cell_that_another_process_holds_is_not_trained_twice(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from ehpsbench.errors import StoreError
    from ehpsbench.leaderboards.sweeps import jobs
    from ehpsbench.training.lock import working_on

    monkeypatch.setattr(jobs, "PATIENCE", 0.1)
    one = plan(work, "ab", [0])[0]
    with ThreadPoolExecutor(1) as pool, working_on(work.store, one.cell):
        refused = pool.submit(jobs.run_job, work, one)
        with pytest.raises(StoreError, match=f"worked on by process {os.getpid()}"):
            refused.result()
    assert not (work.store.runs / one.cell / "cell.json").exists()


def test_finished_cells_of_other_content_are_named_before_training_and_go_when_told(
    work: Work,
) -> None:
    rank_jobs(work, plan(work, "ab", [0])[:1], HERE)
    slower = TINY | {"optimiser": {"lr": 1e-4, "min_lr": 1e-5}}
    other = replace(work, recipes={"tiny": Recipe.model_validate(slower)})
    with pytest.raises(InputError, match=r"1 finished cells .* a--tiny--s0\. .* --replace"):
        plan(other, "ab", [0])
    record = work.store.runs / "a--tiny--s0" / "cell.json"
    before = json.loads(record.read_text())["hash"]
    told = replace(other, replace=True)
    jobs = plan(told, "ab", [0])
    assert taken(told, jobs) == ["a--tiny--s0"]
    assert rank_jobs(told, jobs, HERE).failures == ()
    assert json.loads(record.read_text())["hash"] != before
    assert [one.done for one in plan(other, "ab", [0])] == [True, True]


def test_a_missing_image_of_a_benchmark_is_found_before_training(
    work: Work, tmp_path: Path
) -> None:
    manifest = next(p for p in work.store.root.rglob("manifest.json") if p.parent.name == "pw3d")
    said = json.loads(manifest.read_text())
    release = Path(shutil.copytree(said["release_root"], tmp_path / "release"))
    manifest.write_text(json.dumps(said | {"release_root": str(release)}))
    assert len(plan(work, "ab", [0])) == 2
    gone = sorted(release.rglob("*.jpg"))[0]
    gone.unlink()
    with pytest.raises(MissingFiles, match=f"1 are missing, for example {gone}"):
        plan(work, "ab", [0])
