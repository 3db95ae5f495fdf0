"""Joint regressors: non-negative vertex weights that sum to one, on the coarse mesh's vertices.

Both sizes of the body use the same vertices, so their joints agree exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from open_body.source import Array

_SHAPE_ROWS = 0.3
_FACE_ROWS = 1.0
_SUM_ROW = 10.0
_NEIGHBOURS = 70


@dataclass(frozen=True, slots=True)
class Deformations:
    """A body, its shape directions (V,3,S) and expression directions (V,3,E), on some vertices."""

    vertices: Array
    directions: Array
    expressions: Array
    ids: Array
    mirror: Array


def regressor(
    body: Deformations, targets: Array, target_directions: Array, near: Array, twins: Array
) -> Array:
    """(J,V) weights for (J,3) targets that move by (J,3,S); `near` (J,V) says who may take part.

    `twins` (J,) names the mirrored joint: right joints mirror the left ones, so both sides agree.
    """
    rows = np.zeros((len(targets), len(body.vertices)))
    for joint in range(len(targets)):
        if twins[joint] < joint:
            rows[joint] = rows[twins[joint]][body.mirror]
            continue
        row = _row(body, targets[joint], target_directions[joint], near[joint])
        rows[joint] = (row + row[body.mirror]) / 2 if twins[joint] == joint else row
    return rows


def _row(body: Deformations, target: Array, moves: Array, near: Array) -> Array:
    ids = body.ids[near[body.ids]]
    distance = np.linalg.norm(body.vertices[ids] - target, axis=1)
    ids = ids[np.argsort(distance, kind="stable")[:_NEIGHBOURS]]
    offsets = (body.vertices[ids] - target).T
    shapes = _SHAPE_ROWS * (body.directions[ids] - moves).transpose(1, 2, 0).reshape(-1, len(ids))
    faces = _FACE_ROWS * body.expressions[ids].transpose(1, 2, 0).reshape(-1, len(ids))
    system = np.concatenate([offsets, shapes, faces, np.full((1, len(ids)), _SUM_ROW)])
    wanted = np.zeros(len(system))
    wanted[-1] = _SUM_ROW
    weights, _ = nnls(system, wanted)
    row = np.zeros(len(body.vertices))
    row[ids] = weights / weights.sum()
    return row
