"""docs/add-a-dataset.md, followed to the letter: its forty-first dataset works."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_vertices
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.scaffold import FILES, scaffold
from ehpsbench.errors import InputError
from ehpsbench.ingest import ingest
from ehpsbench.schema import from_arrow
from ehpsbench.store import Store
from ehpsbench.world.settings import WorldSettings

GUIDE = Path(__file__).parents[2] / "docs" / "add-a-dataset.md"
BODIES = open_bodies("small")


@pytest.fixture
def dance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The scaffold of `dance`, offered by a package of its own."""
    site = tmp_path / "site"
    scaffold("dance", site)
    info = site / "dance-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: dance\nVersion: 1")
    (info / "entry_points.txt").write_text("[ehpsbench.datasets]\ndance = dance\n")
    monkeypatch.syspath_prepend(site)
    catalogue._packages.cache_clear()
    yield site / "dance"
    catalogue._packages.cache_clear()
    for module in [name for name in sys.modules if name.partition(".")[0] == "dance"]:
        del sys.modules[module]


def order(root: Path) -> Order:
    return Order(root, BODIES, WorldSettings(), 3, 6, "flat")


def test_a_scaffold_says_what_is_to_be_written(dance: Path, tmp_path: Path) -> None:
    assert catalogue.card("dance").title.startswith("TODO")
    with pytest.raises(InputError, match=r"sample\.py: `write` is not written yet"):
        catalogue.sample("dance").write(order(tmp_path / "r"))
    with pytest.raises(InputError, match=r"adapter\.py: `units` is not written yet"):
        next(iter(catalogue.adapter("dance").units(None)))


def test_the_guides_own_dataset_is_read_to_0_1_mm(dance: Path, tmp_path: Path) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    blocks = dict(re.findall(r"`dance/([a-z_.]+)`\n\n```\w+\n(.*?)```", text, re.DOTALL))
    assert set(blocks) == set(FILES)
    for name, block in blocks.items():
        (dance / name).write_text(block)
    truth = catalogue.sample("dance").write(order(tmp_path / "release"))
    store = Store(tmp_path / "store")
    ingest("dance", tmp_path / "release", store)
    columns = from_arrow(store.instances("dance"))
    assert sorted(columns["instance_id"]) == sorted(truth.instance_id)
    meshes = dict(zip(truth.instance_id, truth.vertices, strict=True))
    found = posed_vertices(columns, BODIES)
    apart = [
        np.abs(m - meshes[i]).max() for i, m in zip(columns["instance_id"], found, strict=True)
    ]
    assert max(apart) < 1e-4
    rejects = store.rejects("dance")
    assert set(rejects["rule"].to_pylist()) == set(truth.broken.values())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Dance", "a-z, 0-9 and _"),
        ("../x", "a-z, 0-9 and _"),
        ("agora", "is there already"),
        ("all", "means something else"),
        ("class", "means something else"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        scaffold(name, tmp_path)
    assert not any(tmp_path.iterdir())


def test_nothing_is_written_over(tmp_path: Path) -> None:
    scaffold("dance", tmp_path)
    with pytest.raises(InputError, match="is not empty"):
        scaffold("dance", tmp_path)


def test_a_dataset_does_not_take_the_name_of_a_module_beside_it(tmp_path: Path) -> None:
    (tmp_path / "images.py").touch()
    with pytest.raises(InputError, match="'images' means something else"):
        scaffold("images", tmp_path)
    assert not (tmp_path / "images").exists()
