"""What tests of several adapters share: a miniature release, and how far its people are found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_vertices
from ehpsbench.checks import project_rows
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.ingest import ingest
from ehpsbench.schema import from_arrow
from ehpsbench.store import Store
from ehpsbench.world.settings import WorldSettings

Columns = dict[str, np.ndarray]
Recovered = Callable[..., tuple[Columns, float]]


@pytest.fixture
def recovered(tmp_path: Path) -> Recovered:
    """Write a miniature of a dataset, ingest it, and compare all meshes with the truth.

    Returns, for the name of a dataset and what its writer is told beside the order, the stored
    columns and the largest distance of a vertex [m]; ids and rejects are those of the truth, and
    all meshes are seen where the truth is, to 0.1 px.
    """

    def found(name: str, **told: object) -> tuple[Columns, float]:
        bodies, store = open_bodies("small"), Store(tmp_path / "store")
        order = Order(tmp_path / name, bodies, WorldSettings(), 5, 6, "flat")
        truth = catalogue.sample(name).write(order, **told)
        ingest(name, order.root, store)
        columns = from_arrow(store.instances(name))
        rejects = store.rejects(name)["instance_id"].to_pylist()
        assert sorted(columns["instance_id"]) == sorted(truth.instance_id)
        assert sorted(rejects) == sorted(truth.broken)
        expected = dict(zip(truth.instance_id, truth.vertices, strict=True))
        meshes = posed_vertices(columns, bodies, order.root)
        pairs = zip(columns["instance_id"], meshes, strict=True)
        worst = [np.abs(mesh - expected[key]).max(initial=0.0) for key, mesh in pairs]
        seen = dict(zip(truth.instance_id, truth.pixels, strict=True))
        for row, (key, mesh) in enumerate(zip(columns["instance_id"], meshes, strict=True)):
            if len(mesh):
                one = {name: column[row : row + 1] for name, column in columns.items()}
                shift = np.abs(project_rows(one, mesh[None])[0] - seen[key])
                assert shift[expected[key][:, 2] > 0.05].max() < 0.1, key  # px
        return columns, float(max(worst))

    return found
