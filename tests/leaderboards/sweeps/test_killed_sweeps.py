"""Sweeps that are killed in every way come to the numbers of an undisturbed one."""

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
from typing import Any

import pytest

from ehpsbench.executors.settings import Settings
from ehpsbench.leaderboards.sweeps.jobs import Work
from ehpsbench.leaderboards.sweeps.rank_datasets import plan, rank_jobs
from ehpsbench.store import Store
from ehpsbench.training.cells import budgeted
from ehpsbench.training.recipe import Recipe

LONG = 960  # samples: a second or more, long enough to be killed in
BOARD = 'title = "One"\n[[benchmarks]]\nid = "pw3d-test"\nprimary = "mpjpe"\n'
HERE = Settings(executor="here")


@pytest.fixture(scope="module")
def command(
    tmp_path_factory: pytest.TempPathFactory, tiny_recipe: dict[str, Any]
) -> Callable[[Store, int], list[str]]:
    folder = tmp_path_factory.mktemp("definitions")
    (folder / "one.toml").write_text(BOARD)
    recipe = budgeted(Recipe.model_validate(tiny_recipe), LONG).model_dump(
        mode="json", exclude_none=True
    )
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
