"""A store that entries are added to, and predictions to add."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.evaluation.mesh.rules import MeshProtocol
from ehpsbench.evaluation.mesh.selection import select
from ehpsbench.evaluation.predictions import SIZES, predictions_table
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.schema import from_arrow
from ehpsbench.store import Store


@pytest.fixture
def entry_store(bedlam_store: Store, tmp_path: Path) -> Store:
    """A copy of the store with BEDLAM's people."""
    shutil.copytree(bedlam_store.root, tmp_path / "store")
    return Store(tmp_path / "store")


@pytest.fixture(scope="session")
def write_predictions(bedlam_store: Store, bodies: BodySet) -> Callable[[Path, str, float], Path]:
    """Writes predictions into a folder that are off by so much [rad] in every joint."""

    def written(folder: Path, benchmark: str, noise: float) -> Path:
        rules = protocol(benchmark)
        assert isinstance(rules, MeshProtocol)
        ids = select(bedlam_store, rules, bodies).people["instance_id"].to_pylist()
        table = bedlam_store.instances(rules.dataset, rules.split)
        places = {name: i for i, name in enumerate(table["instance_id"].to_pylist())}
        people = from_arrow(table.take([places[name] for name in ids]))
        said = {n: np.asarray(people[n], float)[:, :k] for n, k in SIZES.items() if n != "focal"}
        said["body_pose"] = said["body_pose"] + noise
        columns = {"instance_id": np.asarray(ids, object), **said}
        path = folder / f"{benchmark}.parquet"
        folder.mkdir(exist_ok=True)
        pq.write_table(predictions_table(columns, bodies, "made"), path)
        return path

    return written


@pytest.fixture
def predict(
    write_predictions: Callable[[Path, str, float], Path], tmp_path: Path
) -> Callable[[str, float], Path]:
    """The same into a folder of the test's own."""
    return partial(write_predictions, tmp_path / "predictions")
