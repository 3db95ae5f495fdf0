"""A miniature AGORA release, a copy of it to change, and its people."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.dataset_adapters.agora import adapter, sample
from ehpsbench.dataset_adapters.catalogue import card
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.schema import Instances
from ehpsbench.world.settings import WorldSettings

Read = Callable[..., Instances]


@pytest.fixture(scope="session")
def agora(tmp_path_factory: pytest.TempPathFactory, bodies: BodySet) -> Path:
    """A miniature release; do not write into it."""
    root = tmp_path_factory.mktemp("agora") / "release"
    sample.write(Order(root, bodies, WorldSettings(), seed=5, people=16, images="flat"))
    return root


@pytest.fixture
def copy(agora: Path, tmp_path: Path) -> Path:
    """A copy of it to write into."""
    return Path(shutil.copytree(agora, tmp_path / "copy"))


@pytest.fixture
def read(bodies: BodySet) -> Read:
    """Reads one unit of a release."""

    def unit_of(root: Path, name: str = "train_0") -> Instances:
        units = {u.name: u for u in adapter.units(open_release(root, card("agora")))}
        return adapter.read(units[name], bodies)

    return unit_of
