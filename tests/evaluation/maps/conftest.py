"""Rendered people with their maps as a release, and folders of predicted maps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ehpsbench.body.bodies import BodySet
from ehpsbench.dataset_adapters.identity import image_identity, person_identity
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.results import Result
from ehpsbench.schema import IMAGES, to_arrow
from ehpsbench.store import Store
from ehpsbench.world.renderer import Frame, rendered
from ehpsbench.world.scenes import scenes
from ehpsbench.world.settings import WorldSettings

Make = Callable[..., Any]
COUNT = 4
VIDEOS, CLUSTERS = ["v0", "v0", "v1", "v1"], [0, 0, 1, 1]


@pytest.fixture(scope="session")
def frames(bodies: BodySet) -> list[Frame]:
    """Four rendered images, two of each of two videos."""
    made = scenes(WorldSettings(), COUNT, 5, bodies)
    return [f for _, f in zip(range(COUNT), rendered(made, bodies), strict=False)]


@pytest.fixture
def release(tmp_path: Path, frames: list[Frame]) -> Path:
    """Their maps as files: 16-bit depth in mm, label and mask PNGs, normals."""
    root = tmp_path / "release"
    root.mkdir()
    for i, frame in enumerate(frames):
        mm = np.where(frame.depth > 0, np.rint(frame.depth * 1000), 65535).astype("u2")
        Image.fromarray(mm).save(root / f"depth{i}.png")
        Image.fromarray(frame.parts.astype("u1")).save(root / f"parts{i}.png")
        Image.fromarray(frame.person_ids.astype("u1")).save(root / f"mask{i}.png")
        np.save(root / f"normals{i}.npy", frame.normals)
    return root


@pytest.fixture
def stored_maps(
    tmp_path: Path, release: Path, frames: list[Frame], make_store: Make, bodies: BodySet
) -> Make:
    """Makes a store of them with people: pairs of an image and a value in its mask."""

    def made(name: str, people: list[tuple[int, int]]) -> Store:
        images = image_identity("made", "test", VIDEOS, ["0"] * COUNT, range(COUNT), CLUSTERS)
        where = np.array([i for i, _ in people], int)
        rows = dict(person_identity(images, where, [str(p) for _, p in people]))
        mask_ids = np.array([p for _, p in people], int)
        store: Store = make_store(tmp_path / name, rows | {"mask_id": mask_ids}, bodies)
        _add_images(store, dict(images) | _image_columns(frames), release)
        return store

    return made


def _image_columns(frames: list[Frame]) -> dict[str, Any]:
    sizes = np.array([f.depth.shape for f in frames])
    columns: dict[str, Any] = {"height": sizes[:, 0], "width": sizes[:, 1]}
    columns["image_path"] = np.array([f"pictures/{i}.jpg" for i in range(COUNT)], object)
    for kind in ("parts", "depth", "mask"):
        columns[f"{kind}_path"] = np.array([f"{kind}{i}.png" for i in range(COUNT)], object)
    columns["normals_path"] = np.array([f"normals{i}.npy" for i in range(COUNT)], object)
    columns["normals_classes"] = np.array(["opencv"] * COUNT, object)
    return columns | {
        "depth_scale": np.full(COUNT, 0.001),
        "depth_invalid": np.full(COUNT, 65535.0),
    }


def _add_images(store: Store, columns: dict[str, Any], root: Path) -> None:
    folder = store.folder("images", "made") / "test"
    folder.mkdir(parents=True)
    pq.write_table(to_arrow(columns, IMAGES), folder / "part-00000.parquet")
    manifest = store.manifest("made") | {"release_root": str(root)}
    manifest["splits"]["test"]["images_parts"] = ["test/part-00000.parquet"]
    store.manifest_path("made").write_text(json.dumps(manifest))


@pytest.fixture
def store(stored_maps: Make, frames: list[Frame]) -> Store:
    """A store of them with everybody who is seen."""
    people = [(i, p) for i, f in enumerate(frames) for p in np.unique(f.person_ids) if p > 0]
    made: Store = stored_maps("store", people)
    return made


@pytest.fixture
def changed(store: Store) -> Make:
    """Gives some columns of the store's images other values."""

    def change(**columns: Any) -> None:
        path = store.folder("images", "made") / "test" / "part-00000.parquet"
        table = pq.read_table(path, partitioning=None)
        for name, values in columns.items():
            place = table.schema.get_field_index(name)
            column = to_arrow({name: values}, IMAGES).column(name)
            table = table.set_column(place, IMAGES.field(name), column)
        pq.write_table(table, path)

    return change


@pytest.fixture
def folder(tmp_path: Path) -> Make:
    """Writes predicted maps, numbered, and what their maps.toml declares."""

    def written(name: str | Path, maps: list[np.ndarray], declared: str = "") -> Path:
        path = tmp_path / name
        path.mkdir(parents=True, exist_ok=True)
        for i, values in enumerate(maps):
            np.save(path / f"{i}.npy", values)
        (path / "maps.toml").write_text(declared)
        return path

    return written


@pytest.fixture
def run(store: Store, bodies: BodySet) -> Make:
    """Scores a folder of maps on a benchmark, of this store or another one."""

    def scored(said: Path, benchmark: str, of: Store = store, **options: Any) -> Result:
        return evaluate(of, "model", benchmark, bodies, predictions=said, **options)

    return scored


@pytest.fixture
def rules(tmp_path: Path) -> Make:
    """Writes a protocol and says where."""

    def written(text: str) -> str:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return str(path)

    return written
