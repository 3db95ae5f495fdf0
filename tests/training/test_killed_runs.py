"""Runs that are stopped, killed or broken: they go on, and end as if nothing had happened."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from ehpsbench.errors import Stopped, StoreError
from ehpsbench.store import Store
from ehpsbench.training import cells
from ehpsbench.training.loop import train
from ehpsbench.training.recipe import FOLDER, recipe

CELL = "bedlam--tiny--s5"
CLOCKS = ("seconds", "wait_seconds", "samples_per_second")
KILLED_AT = """
import os, signal, sys
from pathlib import Path
from ehpsbench import atomic
from ehpsbench.body.bodies import open_bodies
from ehpsbench.store import Store
from ehpsbench.training.loop import train
from ehpsbench.training.recipe import recipe

store, plan, threads, moment = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
sync = atomic.sync

def end():
    os.kill(os.getpid(), signal.SIGKILL)

def interrupted(path):  # between the writing of a file and its renaming
    if not moment.isdigit() and moment in path.name:
        end()
    sync(path)

atomic.sync = interrupted
how = {"progress": lambda seen, _: str(seen) == moment and end()}
train(Store(store), "bedlam", recipe(plan), 5, open_bodies("small"), threads=threads, **how)
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """A recipe file: 44 samples in batches of 8, a curve of three points."""
    text = (FOLDER / "micro-cpu.toml").read_text()
    for old, new in (
        ('name = "micro-cpu"', 'name = "tiny"'),
        ("samples_seen = 12000", "samples_seen = 44"),
        ("batch = 48", "batch = 8"),
        ("warmup_samples = 640", "warmup_samples = 8"),
    ):
        assert old in text
        text = text.replace(old, new)
    path = tmp_path_factory.mktemp("plan") / "tiny.toml"
    path.write_text(text + "\n[heldout]\npoints = 3\nlimit = 4\n")
    return path


@pytest.fixture(scope="module")
def undisturbed(bedlam_store, plan, bodies, tmp_path_factory):
    """A finished run, and a store with crops but no run, for others to copy."""
    root = tmp_path_factory.mktemp("undisturbed") / "store"
    shutil.copytree(bedlam_store.root, root)
    return train(Store(root), "bedlam", recipe(plan), 5, bodies)


@pytest.fixture
def store(undisturbed, tmp_path):
    root = undisturbed.parents[1]
    shutil.copytree(root, tmp_path / "store", ignore=shutil.ignore_patterns(CELL))
    return Store(tmp_path / "store")


def run_until_death(store, plan, moment):
    threads = str(torch.get_num_threads())
    told = [str(store.root), str(plan), threads, str(moment)]
    run = subprocess.run([sys.executable, "-c", KILLED_AT, *told], capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr


def curve(folder):
    lines = [json.loads(line) for line in (folder / cells.LOG).read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in CLOCKS} for line in lines]


def went_on(store, plan, bodies, undisturbed):
    """Finish the run; samples after its first step, and what was said."""
    told, said = [], []
    again = train(
        *(store, "bedlam", recipe(plan), 5, bodies),
        progress=lambda seen, _: told.append(seen),
        say=said.append,
    )
    first, second = load_file(undisturbed / cells.WEIGHTS), load_file(again / cells.WEIGHTS)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert curve(again) == curve(undisturbed)
    assert (again / cells.HELDOUT).read_text() == (undisturbed / cells.HELDOUT).read_text()
    assert not [p for p in again.iterdir() if "state" in p.name or p.name.endswith(".tmp")]
    return told[0], said


def test_a_killed_run_goes_on_from_its_last_state(store, plan, bodies, undisturbed):
    run_until_death(store, plan, moment=40)
    assert went_on(store, plan, bodies, undisturbed) == (40, [])  # the state was saved at 32


def test_a_run_killed_while_it_writes_a_state_goes_on_from_the_one_before(
    store, plan, bodies, undisturbed
):
    run_until_death(store, plan, moment=".state-32.safetensors.")
    left = {p.name for p in (store.runs / CELL).iterdir()}
    assert [name for name in left if name.endswith(".tmp")]
    assert "state-32.json" not in left
    assert went_on(store, plan, bodies, undisturbed) == (24, [])


def broken_off(store, plan, bodies, at, **how):
    """Train here up to some samples."""

    def end(seen, _):
        if seen == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(store, "bedlam", recipe(plan), 5, bodies, progress=end, **how)
    return store.runs / CELL


def test_a_run_that_saves_often_loses_little(store, plan, bodies, undisturbed):
    folder = broken_off(store, plan, bodies, 24, save_minutes=0.0)
    kept = sorted(p.name for p in folder.glob("state-*"))
    assert kept == [f"state-{n}.{kind}" for n in (16, 24) for kind in ("json", "safetensors")]
    assert went_on(store, plan, bodies, undisturbed) == (32, [])  # in the middle of a point


def test_a_broken_state_falls_back_to_the_one_before(store, plan, bodies, undisturbed):
    path = broken_off(store, plan, bodies, 40) / "state-32.safetensors"
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    first, said = went_on(store, plan, bodies, undisturbed)
    assert first == 24
    assert len(said) == 1
    assert "state-32 is broken" in said[0]


def test_a_full_disk_is_an_error_and_costs_the_last_interval(store, plan, bodies, undisturbed):
    folder = broken_off(store, plan, bodies, 24)
    size = (folder / "state-16.safetensors").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, before[1]))
    try:
        with pytest.raises(StoreError, match="Make room on the disk"):
            train(store, "bedlam", recipe(plan), 5, bodies)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert went_on(store, plan, bodies, undisturbed) == (24, [])


def test_control_c_saves_and_says_how_to_go_on(store, plan, bodies, undisturbed):
    def ask(seen, _):
        if seen == 24:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    said = []
    with pytest.raises(Stopped, match=r"at 32 of 44 samples.*goes on") as stopped:
        train(store, "bedlam", recipe(plan), 5, bodies, progress=ask, say=said.append)
    assert stopped.value.code == 130
    assert "saving after this step" in said[0]
    assert signal.getsignal(signal.SIGINT) is before
    assert went_on(store, plan, bodies, undisturbed) == (40, [])


def test_sigterm_saves_and_ends_the_command(store, plan):
    command = [sys.executable, "-m", "ehpsbench", "train", "bedlam", "--recipe", str(plan)]
    command += ["--budget", "40000", "--store", str(store.root), "--save-minutes", "0.001"]
    folder = store.runs / "bedlam--tiny-n40000--s0"
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list(folder.glob("state-*.json")) and run.poll() is None:
        time.sleep(0.01)
    run.terminate()
    said = run.communicate(timeout=100)[1]
    assert run.returncode == 128 + signal.SIGTERM, said
    (line,) = [line for line in said.splitlines() if "goes on" in line]
    seen = re.search(r"at (\d+) of 40000", line)[1]
    assert (folder / f"state-{seen}.json").is_file()
    assert "Traceback" not in said
