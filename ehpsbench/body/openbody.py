"""The open body that the package ships (see NOTICE), read into models of every family."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import as_file, files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.model import BodyModel, Landmarks, made
from ehpsbench.errors import MissingBody, UnknownName

GENDERS = ("neutral", "female", "male")
__all__ = ["ROLES", "SIZES", "VIEWS", "open_arrays", "open_model"]

ROLES = (
    *(f"{family}/{gender}" for family in ("smplx", "smpl") for gender in GENDERS),
    "mano/left",
    "mano/right",
)
# a view of SMPL-X without face and eye joints; no part of the set's id, as no owner ships it so
VIEWS = tuple(f"smplh/{gender}" for gender in GENDERS)
SIZES = {"full": "open_body.npz", "small": "open_body_small.npz"}
_HEAD = 15
_HANDS = ("left_hand_mean", "left_hand_components", "right_hand_mean", "right_hand_components")


@lru_cache(maxsize=2)
def open_arrays(size: str) -> Mapping[str, NDArray[Any]]:
    """Every array of one of the two shipped files."""
    if size not in SIZES:
        raise UnknownName.of("open body size", size, SIZES)
    with as_file(files("ehpsbench.body") / "data" / SIZES[size]) as path, np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


@lru_cache(maxsize=16)
def open_model(size: str, family: str, gender: str) -> BodyModel:
    """The open body of a family: smplx, smplh, smpl (neutral, female, male), mano (left, right)."""
    if f"{family}/{gender}" not in (*ROLES, *VIEWS):
        raise MissingBody(
            f"The open body has no {family}/{gender}; it has {', '.join((*ROLES, *VIEWS))}. "
            "Licensed files are given with --body-models or EHPSBENCH_BODY_MODELS."
        )
    arrays = open_arrays(size)
    name = f"the open body ({size}, {family} {gender})"
    if family == "mano":
        return made(family, gender, name, _mano(arrays, gender))
    if family == "smplh":
        return made(family, gender, name, _smplh(arrays, gender))
    raw = _smplx(arrays, gender) if family == "smplx" else _smpl(arrays, gender)
    return made(family, gender, name, raw).with_kid(arrays[f"kid.{family}"])


def _smplx(arrays: Mapping[str, NDArray[Any]], gender: str) -> dict[str, Any]:
    return {
        **_shared(arrays, gender),
        "shapedirs": arrays[f"{gender}.shapedirs"],
        "expression_dirs": arrays["expression_dirs"],
        "joint_regressor": arrays[f"{gender}.joint_regressor"],
        "weights": arrays["weights"],
        "parents": arrays["parents"],
        **{name: arrays["hands." + name.replace("_hand", "")] for name in _HANDS},
        "extra_vertex_ids": arrays["extra_ids"],
        "landmarks": Landmarks(
            arrays["landmarks.faces"],
            arrays["landmarks.barycentres"].astype(np.float64),
            arrays["landmarks.contour_faces"],
            arrays["landmarks.contour_barycentres"].astype(np.float64),
        ),
    }


def _smplh(arrays: Mapping[str, NDArray[Any]], gender: str) -> dict[str, Any]:
    """SMPL-X whose jaw and eyes move with the head."""
    raw = _smplx(arrays, gender)
    kept = np.array([*range(22), *range(25, 55)])
    place = np.searchsorted(kept, np.arange(55))
    weights = raw["weights"][:, kept].astype(np.float64)
    weights[:, _HEAD] += raw["weights"][:, 22:25].sum(1)
    parents = np.where(raw["parents"][kept] < 0, -1, place[raw["parents"][kept]])
    shown = {"joint_regressor": raw["joint_regressor"][kept], "weights": weights}
    hidden = ("expression_dirs", "landmarks", "extra_vertex_ids")
    return {n: v for n, v in raw.items() if n not in hidden} | shown | {"parents": parents}


def _smpl(arrays: Mapping[str, NDArray[Any]], gender: str) -> dict[str, Any]:
    joint_of = arrays["smpl.joint_of"]
    weights = np.zeros((len(arrays["weights"]), 24))
    np.add.at(weights.T, joint_of, arrays["weights"].T.astype(np.float64))
    mixed = arrays[f"{gender}.shapedirs"][..., :10].astype(np.float64) @ arrays["smpl.beta_mix"]
    return {
        **_shared(arrays, gender),
        "shapedirs": mixed,
        "joint_regressor": arrays[f"{gender}.smpl_joint_regressor"],
        "weights": weights,
        "parents": np.concatenate([arrays["parents"][:22], [20, 21]]),
    }


def _shared(arrays: Mapping[str, NDArray[Any]], gender: str) -> dict[str, Any]:
    return {"v_template": arrays[f"{gender}.v_template"], "faces": arrays["faces"]}


def _mano(arrays: Mapping[str, NDArray[Any]], side: str) -> dict[str, Any]:
    """The hand that is stored is the right one; the left is its mirror image."""
    ids = arrays["ids.right_hand"]
    inside = np.isin(arrays["faces"], ids).all(axis=1)
    place = np.zeros(len(arrays["mirror"]), np.int64)
    place[ids] = np.arange(len(ids))
    faces = place[arrays["faces"][inside]]
    weights = np.zeros((len(ids), 16))
    weights[:, 1:] = arrays["weights"][ids][:, 40:]
    weights[:, 0] = np.clip(1 - weights[:, 1:].sum(axis=1), 0, None)
    flip = np.array([-1.0, 1.0, 1.0]) if side == "left" else np.ones(3)
    return {
        "v_template": arrays["mano.v_template"] * flip,
        "shapedirs": arrays["mano.shapedirs"].astype(np.float64) * flip[:, None],
        "faces": faces[:, ::-1] if side == "left" else faces,
        "joint_regressor": arrays["mano.joint_regressor"],
        "weights": weights,
        "parents": np.array([-1, *(0 if k % 3 == 0 else k for k in range(15))]),
        f"{side}_hand_mean": arrays[f"hands.{side}_mean"],
        f"{side}_hand_components": arrays[f"hands.{side}_components"],
    }
