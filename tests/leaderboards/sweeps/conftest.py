"""Tiny training sets, a benchmark, and a recipe that learns nothing from them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.sweeps.jobs import Work
from ehpsbench.store import Store
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


@pytest.fixture(scope="session")
def tiny_recipe() -> dict[str, Any]:
    """Its fields."""
    return TINY


@pytest.fixture(scope="session")
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
def work(store: Store, bodies: BodySet, tiny_recipe: dict[str, Any]) -> Work:
    """A sweep over that store on a board of one benchmark."""
    recipe = Recipe.model_validate(tiny_recipe)
    board = Board.of("one", "One", {"pw3d-test": "mpjpe"})
    return Work(store, {"tiny": recipe}, board, bodies)
