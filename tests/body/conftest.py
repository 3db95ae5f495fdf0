"""Model files in the owners' layout, made of the open body's arrays."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet, open_bodies
from ehpsbench.body.model import BodyModel


@pytest.fixture(scope="session")
def full() -> BodySet:
    return open_bodies("full")


@pytest.fixture(scope="session")
def small() -> BodySet:
    return open_bodies("small")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def owners_arrays(model: BodyModel, *, padded: bool = True, dtype: str = "f4") -> dict[str, Any]:
    """The keys of a model file: 300 + 100 columns for SMPL-X, or the older 10 + 10."""
    joints, vertices = model.num_joints, model.num_vertices
    shapedirs = model.shapedirs
    if model.family == "smplx":
        shape, face = (300, 100) if padded else (10, 10)
        shapedirs = np.zeros((vertices, 3, shape + face))
        known = model.shapedirs[..., :shape]
        shapedirs[..., : known.shape[2]] = known
        shapedirs[..., shape : shape + 10] = model.expression_dirs
    tree = np.stack([model.parents.astype("i8") % 2**32, np.arange(joints)])
    zero_posedirs = np.zeros((vertices, 3, 9 * (joints - 1)), "i1")
    arrays: dict[str, Any] = {
        "v_template": model.v_template.astype(dtype),
        "shapedirs": shapedirs.astype(dtype),
        "posedirs": zero_posedirs
        if model.posedirs is None
        else model.posedirs.T.reshape(vertices, 3, -1),
        "J_regressor": model.joint_regressor.astype(dtype),
        "weights": model.weights.astype(dtype),
        "kintree_table": tree,
        "f": model.faces.astype("u4"),
    }
    return arrays | _hands(model) | _landmarks(model)


def _hands(model: BodyModel) -> dict[str, Any]:
    if model.family == "smplx":
        return {
            "hands_meanl": model.left_hand_mean,
            "hands_meanr": model.right_hand_mean,
            "hands_componentsl": model.left_hand_components,
            "hands_componentsr": model.right_hand_components,
        }
    if model.family == "mano":
        return {
            "hands_mean": getattr(model, f"{model.gender}_hand_mean"),
            "hands_components": getattr(model, f"{model.gender}_hand_components"),
        }
    return {}


def _landmarks(model: BodyModel) -> dict[str, Any]:
    marks = model.landmarks
    if marks is None:
        return {}
    return {
        "lmk_faces_idx": marks.faces,
        "lmk_bary_coords": marks.barycentres,
        "dynamic_lmk_faces_idx": marks.contour_faces,
        "dynamic_lmk_bary_coords": marks.contour_barycentres,
    }


@pytest.fixture(scope="session")
def owners() -> Any:
    return owners_arrays


@pytest.fixture
def owners_file() -> Any:
    """Write a model as the owners do: .npz, or a pickle of protocol 2."""

    def write(model: BodyModel, path: Path, **options: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = owners_arrays(model, **options)
        if path.suffix == ".npz":
            np.savez(path, **arrays)
        else:
            path.write_bytes(pickle.dumps(arrays, protocol=2))
        return path

    return write


@pytest.fixture
def licensed_folder(tmp_path: Path, small: BodySet, owners_file: Any) -> Path:
    """A whole licensed set made of the small open body."""
    for gender in ("neutral", "male", "female"):
        big = gender.upper()
        owners_file(small.model("smplx", gender), tmp_path / f"smplx/SMPLX_{big}.npz")
        owners_file(small.model("smpl", gender), tmp_path / f"smpl/SMPL_{big}.pkl")
    for side in ("left", "right"):
        owners_file(small.model("mano", side), tmp_path / f"mano/MANO_{side.upper()}.pkl")
    for family in ("smplx", "smpl"):
        np.save(tmp_path / f"{family}_kid_template.npy", kid_template(small, family))
    return tmp_path


def kid_template(bodies: BodySet, family: str) -> Any:
    return bodies._source.kid(family)
