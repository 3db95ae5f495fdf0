"""A store with a miniature release, two entries scored on it, and the board that they make."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.predictions import write_predictions
from ehpsbench.ingest import ingest
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.standings import standings
from ehpsbench.reports.given import Given, gather
from ehpsbench.samples import write_sample
from ehpsbench.schema import from_arrow
from ehpsbench.store import Store

EVIL = "</script><script>alert(1)</script>"
BENCHMARK = "agora-val"
POSE = ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose", "jaw_pose")


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory, bodies: BodySet) -> Store:
    """`near` and `far` are predictions whose body poses are off by 0.1 and by 0.4 rad."""
    root = tmp_path_factory.mktemp("stored")
    write_sample(
        "agora", root / "release", people=12, images="flat", body="open-small", split="validation"
    )
    store = Store(root / "store")
    ingest("agora", root / "release", store)
    truth = from_arrow(store.instances("agora", "validation"))
    rng = np.random.default_rng(0)
    for entry, off in (("near", 0.1), ("far", 0.4)):
        said: dict[str, Any] = {name: np.ma.getdata(truth[name]).copy() for name in POSE}
        said["body_pose"] += off * rng.normal(size=said["body_pose"].shape)
        said["betas"] = np.ma.getdata(truth["betas"])[:, :10]
        said["instance_id"] = truth["instance_id"]
        write_predictions(store, entry, BENCHMARK, said, bodies)
        evaluate(store, entry, BENCHMARK, bodies)
    return store


@pytest.fixture(scope="session")
def cell() -> dict[str, Any]:
    """The record of a cell that trained on the people who are scored."""
    return {
        "id": "near", "hash": "ab" * 32, "dataset": "agora", "parts": ["agora"], "mix": "single",
        "weights": None, "splits": [["validation"]], "recipe": "micro-cpu",
        "recipe_hash": "cd" * 32, "seed": 1, "data": "ef" * 32, "start": None,
        "samples_seen": 1000, "training_rows": 12,
        "device": "cpu", "ranks": 1, "threads": 2, "torch": "2.0", "ehpsbench": "0.1.0",
        "seconds": {"training": 60.0, "waiting": 1.0},
        "recipe_content": {"about": "A recipe in words.", "name": "micro-cpu"},
    }  # fmt: skip


@pytest.fixture(scope="session")
def board(scored: Store, bodies: BodySet, cell: dict[str, Any]) -> Given:
    """Both on a board of one benchmark; the group of the better one is named like a script."""
    rules = Board.of("tiny", "Tiny board", {BENCHMARK: "pve"})
    entrants = {"near": Entrant(EVIL), "far": Entrant("far")}
    ranked = standings(scored, rules, entrants, samples=50)
    given = gather(scored, ranked, bodies, title="A board")
    return replace(given, cells=(cell,))
