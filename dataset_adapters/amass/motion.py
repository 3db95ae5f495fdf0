"""One file of AMASS: what it says of its motion, in SMPL-H or in SMPL-X."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.parameters import ORDERS, split_pose
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz

__all__ = ["GENDERS", "Motion", "gender_of", "moving", "read_motion"]

Floats = NDArray[np.float64]
GENDERS = ("female", "male", "neutral")
RATES = ("mocap_framerate", "mocap_frame_rate")  # of SMPL-H files, of SMPL-X files
PARTS = {  # of SMPL-X files
    "global_orient": ("root_orient", 3),
    "body_pose": ("pose_body", 63),
    "jaw_pose": ("pose_jaw", 3),
}
PAIRS = {  # left half, right half
    "pose_hand": (("left_hand_pose", "right_hand_pose"), 90),
    "pose_eye": (("leye_pose", "reye_pose"), 6),
}
NEEDED = ("global_orient", "body_pose")
STILL = 1e-4  # rad: hands that differ less do not move


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """F frames of somebody.

    Attributes:
        fit: parameters by the schema's names, each (F, k), in the world; `betas` (k,).
        gender: of the body model.
        fps: frames a second.
    """

    fit: Mapping[str, Floats]
    gender: str
    fps: float

    def __len__(self) -> int:
        return len(self.fit["transl"])


def read_motion(path: Path, family: str) -> Motion:
    """The motion in a file.

    Args:
        path: `…_poses.npz` of SMPL-H or `…_stageii.npz` of SMPL-X.
        family: smplh or smplx.

    Raises:
        InputError: the file is broken, or lacks something.
    """
    data = load_npz(path)
    try:
        if family == "smplx" and "root_orient" in data:
            fit = _parts(data)
        else:
            fit = split_pose(_numbers(data, "poses", sum(ORDERS[family].values())), family)
        fit["transl"] = _numbers(data, "trans", 3)
        fit["betas"] = np.asarray(data["betas"], np.float64)
        motion = Motion(fit, gender_of(path), _rate(data))
        lengths = {name: len(values) for name, values in fit.items() if name != "betas"}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"parts of several lengths: {lengths}")
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no motion of AMASS: {error} Expected gender, betas, trans (F, 3), the "
            "frame rate, and poses (F, 156) of SMPL-H, or root_orient and pose_body of SMPL-X."
        ) from error
    return motion


def gender_of(path: Path) -> str:
    """The gender of a file's body model, which is text, bytes or an object.

    Raises:
        InputError: the file is broken, or says something else.
    """
    said = load_npz(path)["gender"].reshape(-1)[:1].tolist()
    word = said[0] if said else None
    gender = (word.decode("latin1") if isinstance(word, bytes) else str(word)).strip().lower()
    if gender not in GENDERS:
        raise InputError(f"{path} is of the gender {word!r}, expected one of {', '.join(GENDERS)}.")
    return gender


def moving(pose: Floats, mean: Floats | None) -> NDArray[np.bool_]:
    """(F,) whether fingers (F, 45) were recorded: they move, and are not the mean hand (45,)."""
    known = pose[np.isfinite(pose).all(1)]
    still = len(known) > 1 and bool(np.ptp(known, 0).max() < STILL)
    if still or mean is None:
        return np.full(len(pose), not still)
    return np.asarray(np.abs(pose - mean).max(1) > STILL)


def _parts(data: Mapping[str, Any]) -> dict[str, Floats]:
    """The parts of SMPL-X; which of the lesser ones there are, the file tells."""
    parts = {
        name: _numbers(data, key, size)
        for name, (key, size) in PARTS.items()
        if key in data or name in NEEDED
    }
    for key, (names, size) in PAIRS.items():
        if key in data:
            halves = np.split(_numbers(data, key, size), 2, 1)
            parts |= dict(zip(names, halves, strict=True))
    return parts


def _numbers(data: Mapping[str, Any], key: str, size: int) -> Floats:
    values = np.asarray(data[key], np.float64)
    if values.ndim != 2 or values.shape[1] != size:
        raise ValueError(f"{key} is {values.shape}, not (F, {size}).")
    return values


def _rate(data: Mapping[str, Any]) -> float:
    """Frames a second, by either of its names."""
    for key in RATES:
        if key in data:
            rates = np.asarray(data[key], np.float64).reshape(-1)
            if len(rates) and np.isfinite(rates[0]) and rates[0] > 0:
                return float(rates[0])
            raise ValueError(f"{key} is {rates}.")
    raise ValueError(f"there is neither {' nor '.join(RATES)}.")
