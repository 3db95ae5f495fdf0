"""Miniature releases in stores, each made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ehpsbench.ingest import ingest
from ehpsbench.samples import write_sample
from ehpsbench.store import Store


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Store]:
    """A store that holds the miniature of a dataset; do not write into it."""
    made: dict[str, Store] = {}

    def store_of(name: str) -> Store:
        if name not in made:
            folder: Path = tmp_path_factory.mktemp(name)
            root = folder / "release"
            write_sample(name, root, people=10, seed=5, images="flat", body="open-small")
            made[name] = Store(folder / "store")
            ingest(name, root, made[name])
        return made[name]

    return store_of
