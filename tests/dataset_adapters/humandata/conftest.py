"""HumanData files of four people with anything in them changed, and what is read from them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ehpsbench.body.bodies import BodySet
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.readers import humandata
from ehpsbench.dataset_adapters.release import Unit, open_release
from ehpsbench.schema import Instances
from ehpsbench.skeleton.human_data import INDEX

COUNT = 4
POSES = {"global_orient": 3, "body_pose": 63, "left_hand_pose": 45, "right_hand_pose": 45}
RNG = np.random.default_rng(5)
Content = dict[str, Any]
Make = Callable[..., Any]


def _content(**changes: Any) -> Content:
    """Four people in two images, as a file of the first dialect holds them."""
    smplx = {name: RNG.normal(0, 0.1, (COUNT, size)) for name, size in POSES.items()}
    smplx |= {"betas": RNG.normal(0, 1, (COUNT, 10)), "jaw_pose": RNG.normal(0, 0.1, (COUNT, 3))}
    smplx |= {"expression": RNG.normal(0, 1, (COUNT, 10)), "transl": np.full((COUNT, 3), 4.0)}
    points = RNG.uniform(1, 100, (COUNT, 190, 3))
    mask = np.zeros(190, np.uint8)
    mask[[0, 5, 20, 55, INDEX["pelvis_openpose"]]] = 1
    points[:, mask == 0] = 0
    return {
        "image_path": ["a/000007.jpg", "a/000007.jpg", "b/000008.jpg", "b/000008.jpg"],
        "bbox_xywh": np.tile([10.0, 20.0, 60.0, 120.0, 1.0], (COUNT, 1)),
        "keypoints2d": points,
        "keypoints2d_mask": mask,
        "smplx": smplx,
        "meta": {"height": [200] * COUNT, "width": [300] * COUNT, "gender": []},
        "misc": {"focal_length": 500.0, "principal_point": (150.0, 100.0)},
        "__data_len__": COUNT,
        "__key_strict__": False,
        "__keypoints_compressed__": False,
        **changes,
    }


@pytest.fixture(scope="session")
def content() -> Make:
    """`_content`."""
    return _content


@pytest.fixture(scope="session")
def changed() -> Make:
    """`_content` with other values in one of its dictionaries; None takes a value away."""

    def change(name: str, **values: Any) -> Content:
        whole = _content()
        table = {**whole[name], **values}
        return whole | {name: {k: v for k, v in table.items() if v is not None}}

    return change


def _write(root: Path, values: Mapping[str, Any], name: str = "annot/train.npz") -> Path:
    """Write a file, as npz or as pickle, below the root of a release; returns the root."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".pkl":
        path.write_bytes(pickle.dumps(dict(values)))
    else:
        np.savez_compressed(path, allow_pickle=True, **values)
    return root


@pytest.fixture(scope="session")
def write() -> Make:
    """`_write`."""
    return _write


def _units(root: Path, dataset: str = "bedlam") -> list[Unit]:
    """The units of a release."""
    release = open_release(root, catalogue.card(dataset), layout="humandata")
    return list(humandata.units(release))


@pytest.fixture(scope="session")
def units() -> Make:
    """`_units`."""
    return _units


@pytest.fixture(scope="session")
def read(bodies: BodySet) -> Make:
    """Reads a release of one unit."""

    def instances(root: Path, dataset: str = "bedlam") -> Instances:
        (unit,) = _units(root, dataset)
        return humandata.read(unit, bodies)

    return instances


@pytest.fixture(scope="session")
def columns_of(read: Make) -> Make:
    """Writes a file and reads its people's columns."""

    def columns(
        root: Path, values: Mapping[str, Any], dataset: str = "bedlam"
    ) -> dict[str, NDArray[Any]]:
        return dict(read(_write(root, values), dataset).columns)

    return columns
