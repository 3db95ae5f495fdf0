"""Writes CLIFF's npz for the people of a miniature release."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.parameters import joined_pose
from ehpsbench.skeleton.sources import SPIN_24

__all__ = ["cliff_arrays", "cliff_focal"]


def cliff_focal(size: tuple[int, int]) -> float:
    """The focal length of CLIFF's camera for images of this height and width [px]."""
    return float(np.hypot(*size))


def cliff_arrays(clip: Clip, names: list[str], actor: int = 0) -> dict[str, NDArray[Any]]:
    """A row for each frame.

    Args:
        clip: of SMPL people, filmed with `cliff_focal`.
        names: `imgname` of each frame.
        actor: of the clip.
    """
    fit, box = clip.fits(actor, 0), clip.box(actor)
    return {
        "imgname": np.asarray(names),
        "center": box[:, :2] + box[:, 2:] / 2,
        "scale": box[:, 2:].max(1) / 200,
        "part": clip.keypoints(SPIN_24, actor),
        "pose": joined_pose(fit, "smpl"),
        "shape": fit["betas"],
        "has_smpl": np.ones(len(clip)),
        "global_t": fit["transl"],
        "focal_l": np.asarray([clip.camera(f).focal[0] for f in range(len(clip))]),
    }
