"""Body models cut down to the vertices of their landmarks: quick to pose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ehpsbench.body.bodies import BodySet

if TYPE_CHECKING:
    from ehpsbench.body.model import BodyModel

__all__ = ["LandmarkBodies"]


class LandmarkBodies(BodySet):
    """The SMPL-X models of a set with the vertices of their landmarks alone.

    Good for posing rows without personal meshes, which need the whole topology.

    Args:
        bodies: the whole models.
    """

    def __init__(self, bodies: BodySet) -> None:
        self._bodies = bodies
        self._cut: dict[tuple[str, str], BodyModel] = {}

    def model(self, family: str, gender: str = "neutral") -> BodyModel:
        """The model with few vertices; of a family without landmarks the whole one."""
        key = (family, gender)
        if key not in self._cut:
            self._cut[key] = _cut(self._bodies.model(family, gender))
        return self._cut[key]


def _cut(model: BodyModel) -> BodyModel:
    if model.landmarks is None or model.extra_vertex_ids is None:
        return model
    corners = model.faces[model.landmarks.faces]
    kept = np.unique(np.concatenate([corners.ravel(), model.extra_vertex_ids]))
    directions = model.posedirs
    if directions is not None:
        whole = directions.reshape(len(directions), model.num_vertices, 3)
        directions = whole[:, kept].reshape(len(directions), -1)
    kid = model.kid_direction
    return replace(
        model,
        v_template=model.v_template[kept],
        shapedirs=model.shapedirs[kept],
        expression_dirs=model.expression_dirs[kept],
        posedirs=directions,
        joint_regressor=model.joint_regressor[:, kept],
        weights=model.weights[kept],
        kid_direction=None if kid is None else kid[kept],
        faces=np.searchsorted(kept, corners).astype(np.int32),
        landmarks=replace(model.landmarks, faces=np.arange(len(corners), dtype=np.int32)),
        extra_vertex_ids=np.searchsorted(kept, model.extra_vertex_ids).astype(np.int32),
    )
