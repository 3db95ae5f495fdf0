"""Two processes that share every batch learn what one learns."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from ehpsbench.store import Store
from ehpsbench.training import cells
from ehpsbench.training.loop import train
from ehpsbench.training.ranks import Ranks
from ehpsbench.training.recipe import FOLDER, recipe

SHORT_OF_MEMORY = """
import os, sys
from pathlib import Path
import torch
from ehpsbench.body.bodies import open_bodies
from ehpsbench.store import Store
from ehpsbench.training.learner import Learner
from ehpsbench.training.loop import train
from ehpsbench.training.recipe import recipe

terms = Learner._terms

def on_one_rank_only(self, piece, whole):
    if os.environ["RANK"] == "1" and len(piece) > 2:
        raise torch.OutOfMemoryError("no room")
    return terms(self, piece, whole)

Learner._terms = on_one_rank_only
store, bodies = Store(Path(sys.argv[1])), open_bodies("small")
train(store, "bedlam", recipe(sys.argv[2]), 0, bodies, device="cpu")
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """42 samples in batches of 8, so that the last one is short; a low rate, as Adam divides."""
    text = (FOLDER / "micro-cpu.toml").read_text()
    changes = {"samples_seen": 42, "batch": 8, "warmup_samples": 8, "lr": 1e-4}
    lines = [
        f"{key} = {changes[key]}" if (key := line.split(" =")[0]) in changes else line
        for line in text.splitlines()
    ]
    path = tmp_path_factory.mktemp("plan") / "two.toml"
    path.write_text("\n".join([*lines, "[heldout]", "points = 3", "limit = 4"]))
    return path


def test_two_processes_learn_what_one_learns_though_one_is_short_of_memory(
    bedlam_store, plan, bodies, tmp_path
):
    for name in ("one", "two"):
        shutil.copytree(bedlam_store.root, tmp_path / name)
    one = train(Store(tmp_path / "one"), "bedlam", recipe(plan), 0, bodies)
    script = tmp_path / "short_of_memory.py"
    script.write_text(SHORT_OF_MEMORY)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    run = subprocess.run(
        [*torchrun, str(script), str(tmp_path / "two"), str(plan)],
        **{"capture_output": True, "text": True, "env": os.environ | {"OMP_NUM_THREADS": "1"}},
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("Out of memory with 4 crops at a time: from here on 2.") == 1
    two = tmp_path / "two" / "runs" / one.name
    record = json.loads((two / cells.RECORD).read_text())
    assert (record["ranks"], record["micro_batch"]) == (2, 2)
    logs = [
        [json.loads(line) for line in (f / cells.LOG).read_text().splitlines()] for f in (one, two)
    ]
    assert len(logs[0]) == len(logs[1]) == 3
    for first, second in zip(*logs, strict=True):
        assert second["losses"] == pytest.approx(first["losses"], rel=1e-3)
        assert second["heldout_mpjpe_mm"] == pytest.approx(first["heldout_mpjpe_mm"], rel=1e-3)
    weights = [load_file(folder / cells.WEIGHTS) for folder in (one, two)]
    off = sum(float((weights[0][k] - weights[1][k]).square().sum()) for k in weights[0])
    moved = sum(float((weights[0][k]).square().sum()) for k in weights[0])
    assert off < 1e-6 * moved


def test_the_shares_of_all_ranks_are_the_batch():
    for count in (2, 7, 8):
        shares = [Ranks(rank, 3, torch.device("cpu")).share(count) for rank in range(3)]
        rows = [row for share in shares for row in range(count)[share]]
        assert rows == list(range(count))
