"""Whether the hands of labels are absolute: their own 3D joints of the fingers decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ehpsbench.body.model import BodyModel

__all__ = ["hand_convention"]

Floats = NDArray[np.float64]
WRISTS = {"left": (20, slice(25, 40)), "right": (21, slice(40, 55))}  # and its fingers
MOST_TESTED = 16  # people


def hand_convention(
    fit: Mapping[str, Floats], joints: Floats, model: BodyModel, otherwise: str
) -> str:
    """What puts the fingers where they are: "absolute" hands, or "relative" to the mean hand.

    Args:
        fit: parameters of N people by the names of the schema, hands (N, 45).
        joints: (N, 55 or more, 3) their joints in SMPL-X's order [m], in any frame that is not
            turned against theirs; joints that are all zero or not finite do not count.
        model: of their gender.
        otherwise: what it is where nothing can be told.
    """
    from ehpsbench.body.forward import forward

    rows = np.flatnonzero(np.isfinite(joints[:, :55]).all((1, 2)) & joints[:, 25:55].any((1, 2)))
    rows = rows[:MOST_TESTED]
    if not len(rows):
        return otherwise
    apart = {}
    for convention in ("absolute", "relative"):
        inputs: dict[str, Any] = {name: values[rows] for name, values in fit.items()}
        for side in WRISTS if convention == "relative" else ():
            name = f"{side}_hand_pose"
            inputs[name] = inputs[name] + model.hand_mean(side)
        found = forward(model, **inputs, joints_only=True).joints.numpy().astype(np.float64)
        apart[convention] = _distance(found, joints[rows])
    known = {name: value for name, value in apart.items() if np.isfinite(value)}
    return min(known, key=lambda name: known[name]) if known else otherwise


def _distance(found: Floats, joints: Floats) -> float:
    """Median distance of the fingers [m], hands put on their wrists."""
    parts = [
        (found[:, fingers] - found[:, [wrist]]) - (joints[:, fingers] - joints[:, [wrist]])
        for wrist, fingers in WRISTS.values()
    ]
    apart = np.linalg.norm(np.concatenate(parts, 1), axis=-1)
    apart = apart[np.isfinite(apart)]
    return float(np.median(apart)) if apart.size else float("nan")
