"""Long pose vectors of the body models, and the parts that they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.errors import InputError

__all__ = ["FIT_SIZES", "ORDERS", "Fit", "flat", "joined_pose", "split_pose"]

Floats = NDArray[np.float64]
Fit = Mapping[str, ArrayLike]

ORDERS: Mapping[str, Mapping[str, int]] = {  # of the parts of one long pose vector
    "smplx": {
        "global_orient": 3,
        "body_pose": 63,
        "jaw_pose": 3,
        "leye_pose": 3,
        "reye_pose": 3,
        "left_hand_pose": 45,
        "right_hand_pose": 45,
    },
    "smplh": {"global_orient": 3, "body_pose": 63, "left_hand_pose": 45, "right_hand_pose": 45},
    "smpl": {"global_orient": 3, "body_pose": 63, "smpl_hand_pose": 6},
    "mano": {"global_orient": 3, "hand_pose": 45},
}
FIT_SIZES: Mapping[str, int | None] = {  # of a fit a frame, as SMPLify-X and its heirs write it
    "global_orient": 3,
    "body_pose": 63,
    "betas": 10,
    "left_hand_pose": None,
    "right_hand_pose": None,
    "jaw_pose": 3,
    "leye_pose": 3,
    "reye_pose": 3,
    "expression": 10,
    "transl": 3,
}


def split_pose(pose: ArrayLike, family: str) -> dict[str, NDArray[Any]]:
    """One long pose vector (N, …) cut into its parts, in the order of the family.

    SMPL-X 165: root, body, jaw, eyes, left and right hand; SMPL-H 156; SMPL 72; MANO 48.

    Raises:
        InputError: the vectors have another length.
    """
    order = ORDERS[family]
    values = flat(np.asarray(pose, np.float64))
    if values.shape[1] != sum(order.values()):
        raise InputError(
            f"A pose of {family} has {sum(order.values())} values ({order}), found "
            f"{values.shape[1]}."
        )
    return dict(zip(order, np.split(values, np.cumsum([*order.values()])[:-1], 1), strict=True))


def joined_pose(fit: Fit, family: str) -> Floats:
    """The long pose vector (N, …) of the parts, the inverse of `split_pose`."""
    parts = [np.asarray(fit[name], np.float64) for name in ORDERS[family]]
    return np.concatenate([flat(part) for part in parts], 1)


def flat(array: Floats) -> Floats:
    """(N, …) → (N, k), also of nobody."""
    return array.reshape(len(array), prod(array.shape[1:]))
