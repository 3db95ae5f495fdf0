"""The 127 joints that SMPL-X releases label: 55 kinematic, 21 on the surface, 51 in the face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ehpsbench.body.model import BodyModel


def joints_127(
    vertices: NDArray[np.floating], joints: NDArray[np.floating], model: BodyModel
) -> NDArray[np.float64]:
    """The joints of people in the order of the SMPL-X joints, without the face contour.

    Args:
        vertices: (…, V, 3) meshes [m].
        joints: (…, 55, 3) of the same poses [m].
        model: the SMPL-X model of both, with landmarks.

    Returns:
        (…, 127, 3) [m].
    """
    if model.landmarks is None or model.extra_vertex_ids is None:
        raise ValueError(f"{model.name} has no landmarks")
    corners = vertices[..., model.faces[model.landmarks.faces], :]
    face = (model.landmarks.barycentres[..., None] * corners).sum(-2)
    surface = vertices[..., model.extra_vertex_ids, :]
    return np.concatenate([joints[..., :55, :], surface, face], -2)
