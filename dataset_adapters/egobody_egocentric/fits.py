"""EgoBody's fits: one small pickle a frame, gendered SMPL-X in the master Kinect's frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.model import BodyModel
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load

__all__ = ["PCA", "SIZES", "hand_components", "read_fits"]

Floats = NDArray[np.float64]
PCA = 12
# what the model takes; pose_embedding, camera_rotation and camera_translation are left-overs
SIZES = {
    "global_orient": 3,
    "body_pose": 63,
    "betas": 10,
    "left_hand_pose": PCA,
    "right_hand_pose": PCA,
    "jaw_pose": 3,
    "leye_pose": 3,
    "reye_pose": 3,
    "expression": 10,
    "transl": 3,
}


def read_fits(paths: Sequence[Path], model: BodyModel) -> dict[str, Floats]:
    """The parameters of N fits, each (N, k); hands as 45 absolute angles [rad].

    Raises:
        InputError: a file is no fit; names it.
    """
    table = np.stack([_row(path) for path in paths])
    ends = np.cumsum([*SIZES.values()])[:-1]
    fits = dict(zip(SIZES, np.split(table, ends, axis=1), strict=True))
    for side in ("left", "right"):
        mean, components = hand_components(model, side)
        fits[f"{side}_hand_pose"] = fits[f"{side}_hand_pose"] @ components + mean
    return fits


def hand_components(model: BodyModel, side: str) -> tuple[Floats, Floats]:
    """The mean hand (45,) and the first components (12, 45) of a gendered model.

    Raises:
        InputError: the model file has no hand components.
    """
    mean = getattr(model, f"{side}_hand_mean")
    components = getattr(model, f"{side}_hand_components")
    if mean is None or components is None:
        raise InputError(
            f"{model.name} has no hand components (hands_components{side[0]}), which EgoBody's "
            "hands need. Use the SMPL-X v1.1 files with hands."
        )
    return mean, components[:PCA]


def _row(path: Path) -> Floats:
    """(122,) the numbers of one fit, in the order of `SIZES`."""
    fit: Any = load(path, encoding="latin1")
    try:
        return np.concatenate(
            [np.asarray(fit[key], np.float64).reshape(size) for key, size in SIZES.items()]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not an SMPL-X fit of EgoBody ({type(error).__name__}: {error}). Expected a "
            f"dict with {SIZES} numbers."
        ) from error
