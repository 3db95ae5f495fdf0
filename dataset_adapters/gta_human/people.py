"""One file of GTA-Human: a person in all frames of a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_pickle
from ehpsbench.dataset_adapters.gta_human.skeleton import COUNT
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz

__all__ = ["BODY_ANGLES", "SEEN", "Person"]

Floats = NDArray[np.float64]
FIT = ("global_orient", "body_pose", "betas", "transl")
HANDS = ("left_hand_pose", "right_hand_pose")
SEEN = {  # shape of a frame's values
    "keypoints_2d": (COUNT, 3),
    "keypoints_3d": (COUNT, 4),
    "occ": (COUNT,),
    "bbox_xywh": (4,),
}
BODY_ANGLES, SMPL_ANGLES = 63, 69


@dataclass(frozen=True, slots=True)
class Person:
    """The arrays of one person in F frames; `fit` is empty where the owners call it invalid."""

    path: Path
    key: str
    sex: str
    fit: Mapping[str, Floats]
    seen: Mapping[str, Floats]

    @property
    def all(self) -> dict[str, Floats]:
        """All arrays, with one row a frame each."""
        return {**self.seen, **self.fit}

    @classmethod
    def of(cls, path: Path) -> Person:
        """What a file holds.

        Raises:
            InputError: it lacks something, or an array has another width.
        """
        first = path.suffix == ".pkl"  # one person a file, without a name
        content = read_pickle(path) if first else load_npz(path)
        try:
            fitted = first or bool(np.asarray(content["is_valid_smplx"]))
            names = (*FIT, *(() if first else HANDS)) if fitted else ()
            fit = {name: np.asarray(content[name], np.float64) for name in names}
            seen = {
                name: np.asarray(content[name], np.float64).reshape(-1, *shape)
                for name, shape in SEEN.items()
            }
            sex = "male" if bool(np.asarray(content["is_male"])) else "female"
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise InputError(
                f"{path} is no person of GTA-Human ({type(error).__name__}: {error}). Expected "
                f"is_male, {', '.join(SEEN)}, and {', '.join(FIT)} where there is a fit."
            ) from error
        if fit and fit["body_pose"].shape[1:] not in ((BODY_ANGLES,), (SMPL_ANGLES,)):
            raise InputError(
                f"{path}: body_pose is {fit['body_pose'].shape}, expected {BODY_ANGLES} angles a "
                f"frame (SMPL-X) or {SMPL_ANGLES} (SMPL)."
            )
        return cls(path, "0" if first else path.stem, sex, fit, seen)
