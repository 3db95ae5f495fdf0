"""Every dataset: write a miniature release, ingest it, and find the world again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet, open_bodies
from ehpsbench.body.posed import posed_vertices
from ehpsbench.checks import RULES, project_rows
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.release import expected_files, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.errors import EhpsbenchError
from ehpsbench.geometry import axis_angle, rotation_matrix
from ehpsbench.ingest import ingest
from ehpsbench.release_check import check
from ehpsbench.schema import BOX_COLUMNS, from_arrow, present
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
    layout: str
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
    return Ingested(name, layout, folder / "release", truth, store, bodies)


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
        assert len(vertices[row]) == len(expected), key
        if not len(expected):  # somebody without a body
            continue
        distance = np.linalg.norm(vertices[row] - expected, axis=-1)
        assert distance.max() < 0.1 * MILLIMETRE, key
        if not catalogue.card(ingested.name).pictured:
            continue
        one = {name: column[row : row + 1] for name, column in columns.items()}
        pixels = project_rows(one, vertices[row][None])[0]
        front = expected[:, 2] > 0.05  # nothing is seen of what is behind the camera
        shift = np.abs(pixels - ingested.truth.pixels[order[key]])[front]
        assert shift.max() < 0.1, key


def test_people_of_a_set_without_bodies_have_keypoints(ingested: Ingested) -> None:
    if catalogue.card(ingested.name).body.family == "none":
        assert set(ingested.truth.keypoints) == set(ingested.truth.instance_id)
        assert not any(map(len, ingested.truth.vertices))


def test_hands_are_those_of_the_world_to_0_1_degrees(ingested: Ingested) -> None:
    columns = from_arrow(ingested.store.instances(ingested.name))
    for row, key in enumerate(columns["instance_id"]):
        if key not in ingested.truth.hands:
            continue
        for side, expected in zip(("left", "right"), ingested.truth.hands[key], strict=True):
            if np.isfinite(expected).all() and f"{side}_hand_pose" in columns:
                stored = rotation_matrix(columns[f"{side}_hand_pose"][row].reshape(15, 3))
                true = rotation_matrix(expected.reshape(15, 3))
                turn = axis_angle(true.transpose(0, 2, 1) @ stored)
                assert np.degrees(np.linalg.norm(turn, axis=-1)).max() < 0.1, key


def test_keypoints_are_where_the_release_has_them_to_0_1_px(ingested: Ingested) -> None:
    columns = from_arrow(ingested.store.instances(ingested.name))
    for row, key in enumerate(columns["instance_id"]):
        if key in ingested.truth.keypoints:
            expected = ingested.truth.keypoints[key]
            stored = np.zeros_like(expected)
            stored[:144] = columns["keypoints2d"][row].reshape(144, 3)
            if "keypoints2d_extra" in columns:
                stored[144:] = np.ma.filled(columns["keypoints2d_extra"][row], 0).reshape(46, 3)
            stored = np.where(np.isfinite(stored), stored, 0)
            assert ((stored[:, 2] > 0) == (expected[:, 2] > 0)).all(), key
            assert np.abs(stored - expected).max() < 0.1, key


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
    if not catalogue.card(ingested.name).pictured:
        assert not images
        return
    assert len({i["image_id"] for i in images}) == len(images)
    assert set(people) <= {i["image_id"] for i in images}
    for image in images:
        with Image.open(ingested.root / image["image_path"]) as picture:
            size = orient_size(image["orientation"], *picture.size)
        assert size == (image["width"], image["height"])


def test_rows_without_a_picture_are_of_motions_alone(ingested: Ingested) -> None:
    columns = from_arrow(ingested.store.instances(ingested.name))
    of_pictures = {"image_path", "height", "width"}
    if catalogue.card(ingested.name).pictured:
        assert all(present(columns[name]).all() for name in of_pictures)
    else:
        none = {*of_pictures, *BOX_COLUMNS, "focal", "principal_point", "orientation"}
        assert not none & set(columns)
        assert not columns["camera_valid"].any()


def test_ingesting_twice_gives_the_same_bytes(ingested: Ingested, tmp_path: Path) -> None:
    again = Store(tmp_path)
    ingest(ingested.name, ingested.root, again, layout=ingested.layout)
    for table in ("instances", "images"):
        first, second = (
            sorted((s.root / table).rglob("*.parquet")) for s in (ingested.store, again)
        )
        assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
        assert first or (table == "images" and not catalogue.card(ingested.name).pictured)


def test_check_finds_what_was_removed(ingested: Ingested, tmp_path: Path) -> None:
    files = expected_files(catalogue.card(ingested.name), ingested.layout)
    for number, file in enumerate(files):
        place = tmp_path / str(number)
        place.mkdir()
        found = [path for pattern in file.patterns for path in ingested.root.glob(pattern)]
        for i, path in enumerate(found):
            path.rename(place / str(i))
        states = check(ingested.name, ingested.root, layout=ingested.layout)
        for i, path in enumerate(found):
            (place / str(i)).rename(path)
        assert states[number]["state"] == ("missing" if file.required else "optional")


def test_a_corrupted_annotation_file_is_named(ingested: Ingested, tmp_path: Path) -> None:
    release = open_release(ingested.root, catalogue.card(ingested.name), layout=ingested.layout)
    unit = next(iter(catalogue.adapter(ingested.name, ingested.layout).units(release)))
    path = unit.files[0]
    whole = path.read_bytes()
    path.write_bytes((b"\x00no such format" * len(whole))[: len(whole)])
    try:
        with pytest.raises(EhpsbenchError, match=re.escape(path.name)):
            ingest(ingested.name, ingested.root, Store(tmp_path), layout=ingested.layout)
    finally:
        path.write_bytes(whole)
