"""One file of SynBody: a person in all frames of a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.skeleton.sources import SMPLX_144

__all__ = ["JOINTS", "PARTS", "Person", "read_person"]

Floats = NDArray[np.float64]
PARTS = {  # how many numbers a frame
    "global_orient": 3,
    "body_pose": 63,
    "left_hand_pose": 45,
    "right_hand_pose": 45,
    "jaw_pose": 3,
    "leye_pose": 3,
    "reye_pose": 3,
    "expression": 10,
    "betas": 10,
    "transl": 3,
}
JOINTS = len(SMPLX_144)


@dataclass(frozen=True, slots=True)
class Person:
    """One person in F frames: parameters, joints in pixels and in metres."""

    gender: str
    fit: Mapping[str, Floats]
    pixels: Floats
    points: Floats

    @property
    def count(self) -> int:
        """How many frames."""
        return len(self.pixels)


def read_person(path: Path) -> Person:
    """What a file holds.

    Raises:
        InputError: it lacks something, or an array has another size.
    """
    content = load_npz(path)
    try:
        table, meta = content["smplx"].item(), content["meta"].item()
        pixels = np.asarray(content["keypoints2d"], np.float64)[..., :2]
        points = np.asarray(content["keypoints3d"], np.float64)[..., :3]
        count = len(pixels)
        if pixels.shape[1:] != (JOINTS, 2) or points.shape != (count, JOINTS, 3):
            raise ValueError(f"joints of {pixels.shape} and {points.shape}")
        fit = {}
        for name, size in PARTS.items():
            values = np.asarray(table[name], np.float64)
            flat = values.reshape(len(values), -1)[:, :size]
            fit[name] = np.broadcast_to(flat, (count, size))  # betas may be one row for all
        return Person(_gender(meta.get("gender", "neutral")), fit, pixels, points)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} is no person of SynBody ({type(error).__name__}: {error}). Expected "
            f"smplx with {', '.join(PARTS)}, meta, and keypoints2d and keypoints3d of "
            f"{JOINTS} joints."
        ) from error


def _gender(said: Any) -> str:
    """One gender of one person, who may have a list of the same for all frames."""
    found = sorted({str(each) for each in np.ravel(np.asarray(said))})
    if len(found) != 1 or found[0] not in ("neutral", "male", "female"):
        raise ValueError(f"gender {found}")
    return found[0]
