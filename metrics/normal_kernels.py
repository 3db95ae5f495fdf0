"""Cosines of the angles between two maps of vectors, of the pixels that count."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.metrics.compiled import compiled

Axis = NDArray[Any]  # (n,) float32 or float64
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Vectors = tuple[Axis, Axis, Axis]


@compiled
def cosines(pred: Vectors, target: Vectors, mask: Mask, least: float, found: Floats) -> None:
    """Into as many as count; a squared length below the least counts as that."""
    at = 0
    for k in range(len(mask)):
        if mask[k]:
            x, y, z = np.float64(pred[0][k]), np.float64(pred[1][k]), np.float64(pred[2][k])
            u, v, w = np.float64(target[0][k]), np.float64(target[1][k]), np.float64(target[2][k])
            said: float = x * x + y * y + z * z
            true: float = u * u + v * v + w * w
            said = least if said < least else said  # what is not a number stays so
            true = least if true < least else true
            found[at] = (x * u + y * v + z * w) / np.sqrt(said * true)
            at += 1
