"""The body models of the per-person loop: the `smplx` package's, else the project's own."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.forward import forward
from ehpsbench.body.model import BodyModel

__all__ = ["Posing", "posing"]

Given = dict[str, NDArray[Any]]
Posing = Callable[[str, str, Given], NDArray[Any]]
"""Family, gender and parameters of one person → joints (J, 3) [m]."""

BETAS = 10  # and as many of the expression, as converters have it
OPTIONS = {
    "smplx": {"use_pca": False, "flat_hand_mean": True, "num_expression_coeffs": BETAS},
    "smplh": {"use_pca": False, "flat_hand_mean": True},
    "mano": {"use_pca": False, "flat_hand_mean": True},
    "smpl": {},
}


def posing(bodies: BodySet, package: str) -> Posing:
    """The joints of one person at a time, with all vertices made.

    Args:
        bodies: the models.
        package: "smplx", which has to be installed, or "ehpsbench".
    """
    return _by_smplx(bodies) if package == "smplx" else _by_ours(bodies)


def installed() -> str:
    """The package that the loop uses unless it is told otherwise."""
    return "smplx" if importlib.util.find_spec("smplx") else "ehpsbench"


def _by_ours(bodies: BodySet) -> Posing:
    def pose(family: str, gender: str, given: Given) -> NDArray[Any]:
        one = {name: value[None] for name, value in given.items()}
        return np.asarray(forward(bodies.model(family, gender), **one).joints[0])

    return pose


def _by_smplx(bodies: BodySet) -> Posing:
    @cache
    def layer(family: str, gender: str) -> Any:
        return _layer(bodies.model(family, gender))

    def pose(family: str, gender: str, given: Given) -> NDArray[Any]:
        tensors = {name: torch.from_numpy(value[None]) for name, value in given.items()}
        tensors["betas"] = tensors["betas"][:, :BETAS] if "betas" in tensors else None
        if family == "smpl":
            hands = tensors.pop("smpl_hand_pose", torch.zeros((1, 6)))
            tensors["body_pose"] = torch.cat([tensors["body_pose"], hands], 1)
        if family == "mano":
            tensors["hand_pose"] = tensors.pop(f"{gender}_hand_pose")
        with torch.no_grad():
            return np.asarray(layer(family, gender)(**tensors).joints[0])

    return pose


def _layer(model: BodyModel) -> Any:
    """A layer of the package of a model; its pose correctives are computed, though all zero."""
    import smplx

    kind = getattr(smplx, model.family.upper())
    options: dict[str, Any] = {"num_betas": BETAS, "batch_size": 1, **OPTIONS[model.family]}
    if model.family == "mano":
        options["is_rhand"] = model.gender == "right"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{model.family}.npz"
        if model.family != "smplx":
            options["data_struct"] = smplx.utils.Struct(**_owners_arrays(model))
        else:
            np.savez(path, **_owners_arrays(model))
        return kind(str(path), **options)


def _owners_arrays(model: BodyModel) -> dict[str, Any]:
    """A model under the keys of the owners' files, with ten directions of shape (and face)."""
    shape = np.zeros((model.num_vertices, 3, BETAS))
    shape[..., : model.num_betas] = model.shapedirs[..., :BETAS]
    face = model.expression_dirs[..., :BETAS]
    arrays = {
        "v_template": model.v_template,
        "shapedirs": np.concatenate([shape, face], 2),
        "posedirs": np.zeros((model.num_vertices, 3, 9 * (model.num_joints - 1)), np.float32),
        "J_regressor": model.joint_regressor,
        "weights": model.weights,
        "kintree_table": np.stack([model.parents.astype(np.int64), np.arange(model.num_joints)]),
        "f": model.faces.astype(np.int64),
    }
    for side in ("left", "right"):
        for owners, ours in (("mean", "mean"), ("components", "components")):
            values = getattr(model, f"{side}_hand_{ours}")
            arrays[f"hands_{owners}{side[0]}"] = values
            if side == model.gender:
                arrays[f"hands_{owners}"] = values
    if model.landmarks is not None:
        arrays["lmk_faces_idx"] = model.landmarks.faces
        arrays["lmk_bary_coords"] = model.landmarks.barycentres
    return {key: values for key, values in arrays.items() if values is not None}
