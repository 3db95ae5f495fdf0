"""A per-person loop as the known converters of the field are written, to set ingest beside.

One decode of each annotation file with the plain reader of its format, whole; then for each person
one forward of the body model with its mesh, a projection, a box, one open of the image, and one
append to a dictionary of lists, which `np.savez` writes at the end. Somebody of a motion has no
image: there is nothing to open, and nothing to project into.

In the loop's favour: a person's parameters are found in the decoded file at no cost and need no
conversion (they are taken from what the adapter read; HBW's betas, which the release does not have,
too), and nothing is checked or hashed. Meshes (EHF) are read with `trimesh`, if it is installed:
loaders of EHF use that or `plyfile`, which takes 14 ms for a mesh of 1,504 vertices where `trimesh`
takes 0.4 ms, and 144 ms for one of 13,492. Against it: the body
is the open one, of 13,492 vertices where SMPL-X has 10,475; the `smplx` package poses it in 19 ms
instead of 17.5. Pose correctives are computed, as for SMPL-X (they are all zero). The loop runs
over some people only, since each of them costs the same; files are decoded for whole units, and
their time is spread over the people in them.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from loop_bodies import Posing
from numpy.typing import NDArray
from PIL import Image

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters.readers.hdf5 import hdf5
from ehpsbench.dataset_adapters.readers.matlab import load_mat
from ehpsbench.dataset_adapters.readers.tfrecord import read_records
from ehpsbench.meshes import read_mesh
from ehpsbench.restricted_pickle import load
from ehpsbench.schema import present

Clock = Callable[[], float]
Columns = dict[str, NDArray[Any]]
BODY = ("global_orient", "body_pose", "smpl_hand_pose", "left_hand_pose", "right_hand_pose")
TRIMESH: Any = importlib.import_module("trimesh") if importlib.util.find_spec("trimesh") else None
REGRESSOR = open_bodies("small").model("smplx", "neutral").joint_regressor
POSE = (*BODY, "jaw_pose", "leye_pose", "reye_pose", "expression", "betas", "transl")


@dataclass(frozen=True, slots=True)
class Person:
    """What a converter finds of one person: a picture, and a body, hands, a mesh or keypoints."""

    image: Path | None
    mesh: Path | None
    bodies: tuple[tuple[str, str, dict[str, NDArray[Any]]], ...]  # family, gender, parameters
    focal: NDArray[Any]
    centre: NDArray[Any]
    points: NDArray[Any] | None
    identity: str


def decode_seconds(files: Sequence[Path], clock: Clock) -> float:
    """Seconds to decode each file once."""
    started = clock()
    for path in files:
        _decoded(path)
    return clock() - started


def loop_seconds(people: Sequence[Person], pose: Posing, out: Path, clock: Clock) -> float:
    """Seconds to convert people one by one."""
    started = clock()
    table: dict[str, list[Any]] = {}
    for person in people:
        for name, value in _converted(person, pose).items():
            table.setdefault(name, []).append(value)
    ragged = {name for name, rows in table.items() if len({np.shape(row) for row in rows}) > 1}
    arrays = {n: np.array(r, object if n in ragged else None) for n, r in table.items()}
    np.savez(out, **arrays)
    return clock() - started


def people_of(columns: Columns, root: Path, pictures: Path, count: int) -> Iterator[Person]:
    """The first people that an adapter read below `root`, each with a flat picture to open."""
    for row in range(min(count, len(columns["instance_id"]))):
        mesh = columns["vertices_path"][row] if "vertices_path" in columns else None
        image = None
        if "image_path" in columns:
            size = (int(columns["width"][row]), int(columns["height"][row]))
            image = _picture(pictures, str(columns["image_path"][row]), size)
        yield Person(
            image=image,
            mesh=None if mesh is None else root / str(mesh),
            bodies=tuple(_bodies(columns, row)),
            focal=_value(columns, "focal", row, np.full(2, 1000.0)),
            centre=_value(columns, "principal_point", row, np.zeros(2)),
            points=_value(columns, "keypoints2d", row, None),
            identity=str(columns["instance_id"][row]),
        )


def _converted(person: Person, pose: Posing) -> dict[str, Any]:
    """One entry of each list."""
    entry: dict[str, Any] = {"image_path": str(person.image), "id": person.identity}
    labelled = np.zeros((0, 3)) if person.points is None else person.points.reshape(-1, 3)
    pixels = [labelled[labelled[:, 2] > 0, :2]]
    for family, gender, given in person.bodies:
        entry |= given | {"joints3d": pose(family, gender, given)}
        pixels.append(_projected(entry["joints3d"], person))
    if person.mesh is not None:
        entry["joints3d"] = REGRESSOR @ _vertices(person.mesh)
        pixels.append(_projected(entry["joints3d"], person))
    if person.image is None:
        return entry
    with Image.open(person.image) as picture:
        width, height = picture.size
    both = np.concatenate(pixels)
    low = np.clip(both.min(0, initial=width), 0, [width, height])
    high = np.clip(both.max(0, initial=0), 0, [width, height])
    return entry | {"size": (width, height), "bbox": [*low, *(high - low)], "joints2d": both}


def _projected(joints: NDArray[Any], person: Person) -> NDArray[Any]:
    return np.asarray(joints[:, :2] / joints[:, 2:] * person.focal + person.centre)


def _bodies(columns: Columns, row: int) -> Iterator[tuple[str, str, dict[str, NDArray[Any]]]]:
    """The bodies or hands that one forward call each poses."""
    family = columns["source_model"][row] if "source_model" in columns else None
    if family == "mano":
        for side in ("left", "right"):
            names = ("hand_orient", "hand_pose", "hand_betas", "hand_transl")
            found = [_value(columns, f"{side}_{name}", row, None) for name in names]
            into = ("global_orient", f"{side}_hand_pose", "betas", "transl")
            given = {n: v for n, v in zip(into, found, strict=True) if v is not None}
            if "global_orient" in given:
                yield "mano", side, given
        return
    every = {name: _value(columns, name, row, None) for name in POSE}
    given = {name: value for name, value in every.items() if value is not None}
    if "global_orient" in given:
        yield str(family), str(columns["gender"][row]), given


def _value(columns: Columns, name: str, row: int, otherwise: Any) -> Any:
    if name not in columns or not present(columns[name])[row]:
        return otherwise
    return np.asarray(np.ma.getdata(columns[name])[row], np.float32)


def _picture(folder: Path, name: str, size: tuple[int, int]) -> Path:
    """A flat picture below a folder; one file has many names."""
    path, first = folder / name, folder / f"{size[0]}x{size[1]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not first.exists():
        Image.new("RGB", (max(size[0], 1), max(size[1], 1)), (120, 120, 120)).save(first, "JPEG")
    if not path.exists():
        os.link(first, path)
    return path


def _vertices(path: Path) -> NDArray[Any]:
    if TRIMESH is None:
        return read_mesh(path).vertices
    return np.asarray(TRIMESH.load(path, process=False).vertices)


def _decoded(path: Path) -> Any:
    """All that a file holds, by the plain reader of its format."""
    return READERS.get(path.suffix, Path.read_bytes)(path)


def _unpickled(path: Path) -> Any:
    try:
        with path.open("rb") as stream:
            return pickle.load(stream, encoding="latin1")
    except Exception:  # classes that are not installed here (pandas 1, CUDA tensors)
        return load(path, encoding="latin1")


def _arrays(path: Path) -> Any:
    found = np.load(path, allow_pickle=True, encoding="latin1")
    return dict(found) if isinstance(found, np.lib.npyio.NpzFile) else found


def _groups(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with hdf5().File(path) as file:
        file.visititems(lambda name, item: _read_into(found, name, item))
    return found


def _read_into(found: dict[str, Any], name: str, item: Any) -> None:
    if hasattr(item, "shape"):
        found[name] = item[()]


READERS: dict[str, Callable[[Path], Any]] = {
    ".json": lambda path: json.loads(path.read_bytes()),
    ".pkl": _unpickled,
    ".npz": _arrays,
    ".npy": _arrays,
    ".smc": _groups,
    ".mat": load_mat,
    ".tfrecord": lambda path: list(read_records(path)),
    ".obj": read_mesh,
    ".ply": _vertices,
}
