"""Every dataset: write a miniature release, ingest it, and find the world again."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet, open_bodies
from ehpsbench.body.posed import posed_vertices
from ehpsbench.checks import RULES, project_rows
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.ingest import ingest
from ehpsbench.schema import from_arrow
from ehpsbench.store import Store
from ehpsbench.world.settings import WorldSettings

CASES = [(name, "owners") for name in catalogue.names()] + [
    ("bedlam", "humandata"),
    ("agora", "humandata"),
]
MILLIMETRE = 1e-3


class Ingested(NamedTuple):
    """A miniature release in a store, and what it was made from."""

    name: str
    root: Path
    truth: Truth
    store: Store
    bodies: BodySet


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def ingested(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    name, layout = request.param
    folder = tmp_path_factory.mktemp(name)
    bodies = open_bodies("small")
    writer = catalogue.sample(name, layout)
    options = {"dataset": name} if layout == "humandata" else {}
    order = Order(folder / "release", bodies, WorldSettings(), 11, 16, "flat")
    truth = writer.write(order, **options)
    store = Store(folder / "store")
    ingest(name, folder / "release", store, layout=layout)
    return Ingested(name, folder / "release", truth, store, bodies)


def test_every_person_of_the_world_is_in_the_store(ingested: Ingested) -> None:
    stored = ingested.store.instances(ingested.name)["instance_id"].to_pylist()
    assert sorted(stored) == sorted(ingested.truth.instance_id)
    assert len(stored) >= 8


def test_vertices_are_those_of_the_world_to_0_1_mm_and_0_1_px(ingested: Ingested) -> None:
    columns = from_arrow(ingested.store.instances(ingested.name))
    vertices = posed_vertices(columns, ingested.bodies, ingested.root)
    order = {key: i for i, key in enumerate(ingested.truth.instance_id)}
    for row, key in enumerate(columns["instance_id"]):
        expected = ingested.truth.vertices[order[key]]
        distance = np.linalg.norm(vertices[row] - expected, axis=-1)
        assert distance.max() < 0.1 * MILLIMETRE, key
        one = {name: column[row : row + 1] for name, column in columns.items()}
        pixels = project_rows(one, vertices[row][None])[0]
        front = expected[:, 2] > 0.05  # nothing is seen of what is behind the camera
        shift = np.abs(pixels - ingested.truth.pixels[order[key]])[front]
        assert shift.max() < 0.1, key


def test_people_the_owners_mark_invalid_are_stored_as_such(ingested: Ingested) -> None:
    table = ingested.store.instances(ingested.name, columns=["instance_id", "owner_valid"])
    invalid = {r["instance_id"] for r in table.to_pylist() if r["owner_valid"] is False}
    assert invalid == ingested.truth.invalid


def test_planted_broken_rows_are_in_the_rejects_with_their_rule(ingested: Ingested) -> None:
    rejects = ingested.store.rejects(ingested.name)
    found = dict(zip(rejects["instance_id"].to_pylist(), rejects["rule"].to_pylist(), strict=True))
    assert found == dict(ingested.truth.broken)
    assert set(found.values()) <= set(RULES)
    assert len(found) >= 1


def test_every_image_exists_once_with_its_true_size(ingested: Ingested) -> None:
    from PIL import Image

    from ehpsbench.geometry import orient_size

    images = ingested.store.images(ingested.name).to_pylist()
    people = ingested.store.instances(ingested.name, columns=["image_id"])["image_id"].to_pylist()
    assert len({i["image_id"] for i in images}) == len(images)
    assert set(people) <= {i["image_id"] for i in images}
    for image in images:
        with Image.open(ingested.root / image["image_path"]) as picture:
            size = orient_size(image["orientation"], *picture.size)
        assert size == (image["width"], image["height"])
