"""CLIFF's npz (Li et al., ECCV 2022): SMPL fits seen by a pinhole of the whole image.

The focal length of an image of W × H pixels is √(W² + H²), its centre the middle; `global_t` is the
translation of the neutral SMPL in that camera. `S`, where there, is centred at the root: not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.parameters import (
    Labels,
    body_columns,
    split_pose,
    spread,
    validity,
)
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.schema import nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import SPIN_24

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["Cliff", "cliff_columns", "read_cliff"]

Floats = NDArray[np.float64]
LABELS = Labels("smpl", "none", "cliff", "pseudo")


@dataclass(frozen=True, slots=True, eq=False)
class Cliff:
    """N people.

    Attributes:
        image: (N,) `imgname`, with its folder.
        annotation: (N,) `annot_id`, of the dataset's own annotation; −1 where there is none.
        pose: (N, 72) axis-angle [rad].
        betas: (N, 10).
        transl: (N, 3) `global_t` [m].
        focal: (N,) `focal_l` [px].
        keypoints: (N, 24, 3) `part`: x, y, score [px].
        fitted: (N,) `has_smpl`.
    """

    image: NDArray[Any]
    annotation: NDArray[np.int64]
    pose: Floats
    betas: Floats
    transl: Floats
    focal: Floats
    keypoints: Floats
    fitted: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.image)


def read_cliff(path: Path) -> Cliff:
    """The people of one file.

    Raises:
        InputError: it is no such file, or an array lacks or has another shape.
    """
    content = load_npz(path)
    try:
        names = np.asarray(content["imgname"]).astype(str)  # of text or of bytes
        count = len(names)

        def table(key: str, *shape: int) -> Floats:
            return np.asarray(content[key], np.float64).reshape(count, *shape)

        flags = table("has_smpl") > 0 if "has_smpl" in content else np.ones(count, bool)
        ids = table("annot_id") if "annot_id" in content else np.full(count, -1)
        return Cliff(
            image=names.astype(object),
            annotation=np.asarray(ids, np.int64),
            pose=table("pose", 72),
            betas=table("shape", 10),
            transl=table("global_t", 3),
            focal=table("focal_l"),
            keypoints=table("part", len(SPIN_24), 3),
            fitted=flags,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not a file of CLIFF ({type(error).__name__}: {error}). Expected arrays "
            "imgname, pose (N, 72), shape, global_t, focal_l and part (N, 24, 3)."
        ) from error


def cliff_columns(fits: Cliff, size: NDArray[Any], bodies: BodySet) -> dict[str, NDArray[Any]]:
    """Body, camera, keypoints and validity of N people; bodies are null without a fit.

    Args:
        fits: from `read_cliff`.
        size: (N, 2) width and height of each one's image [px].
        bodies: the body set of the labels.
    """
    fit = split_pose(fits.pose, "smpl") | {"betas": fits.betas, "transl": fits.transl}
    body = body_columns(fit, "neutral", LABELS, bodies) | validity(len(fits), ("body",))
    points = keypoint_columns(2, (fits.keypoints, SPIN_24))
    seen = (fits.keypoints[..., 2] > 0).any(1)
    return {
        **spread(body, fits.fitted),
        **{name: nullable(values, seen) for name, values in points.items()},
        "focal": np.repeat(fits.focal[:, None], 2, 1),
        "principal_point": size / 2,
    }
