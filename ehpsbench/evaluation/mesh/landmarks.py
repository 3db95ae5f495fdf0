"""Where bodies are measured: SHAPY's landmarks on their meshes, their like on others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ehpsbench.metrics.body_measurements import (
    SMPL_LANDMARKS,
    Landmark,
    Landmarks,
    smplx_landmarks,
)

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.body.model import BodyModel

OWNERS_VERTICES = {"smplx": 10475, "smpl": 6890}
PELVIS, SPINE1, SPINE2, SPINE3, LEFT_ANKLE = 0, 3, 6, 9, 7
MIDLINE = 0.004  # [m]
CHEST = 0.05  # nipples are within this of the third spine joint's height [m]


def body_landmarks(bodies: BodySet, family: str = "smplx") -> Landmarks:
    """Landmarks for `metrics.body_measurements` on every SMPL-X or SMPL mesh of a body set.

    On a body that is not the owners' they are found once, on the template of the neutral SMPL-X
    model, and are vertices of every gender and shape from then on: the head's top is the highest
    vertex; the heel the lowest of those that move with the left ankle; the chest the front-most
    of the right half of the trunk near the third spine joint; the waist the vertex of the front
    midline nearest the middle of pelvis and first spine joint, where the navel is; the hips the
    lowest vertex of the trunk's midline.
    """
    model = bodies.model(family, "neutral")
    if model.num_vertices == OWNERS_VERTICES.get(family):
        if family == "smpl":
            return SMPL_LANDMARKS
        return smplx_landmarks(torch.from_numpy(np.asarray(model.faces, np.int64)))
    return _found(bodies.model("smplx", "neutral"))


def _found(model: BodyModel) -> Landmarks:
    x, y, z = model.v_template.T
    height = model.joint_template[:, 1]
    trunk = model.weights[:, [PELVIS, SPINE1, SPINE2, SPINE3]].sum(1) > 0.5
    middle = trunk & (np.abs(x) < MIDLINE)
    front = middle & (z > model.joint_template[PELVIS, 2])
    chest = trunk & (x < 0) & (np.abs(y - height[SPINE3]) < CHEST)
    waist = -np.abs(y - (height[PELVIS] + height[SPINE1]) / 2)
    found = {
        "head_top": _best(y, np.ones_like(trunk)),
        "heel": _best(-y, model.weights[:, LEFT_ANKLE] > 0.5),
        "chest": _best(z, chest),
        "waist": _best(waist, front),
        "hips": _best(-y, middle),
    }
    return {name: Landmark((vertex,)) for name, vertex in found.items()}


def _best(values: NDArray[np.float64], among: NDArray[np.bool_]) -> int:
    return int(np.where(among, values, -np.inf).argmax())
