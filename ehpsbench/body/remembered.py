"""Joints that were posed a moment ago: an adapter asks for a unit's, and the checks ask again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.model import BodyModel

__all__ = ["joints_of"]

Floats = NDArray[np.float64]
Inputs = Mapping[str, Any]

MOST_ROWS = 32_768  # kept in all, about 100 MB
_kept: list[tuple[BodyModel, Inputs, Floats]] = []


def joints_of(model: BodyModel, inputs: Inputs) -> Floats:
    """(N, J, 3) joints of the model's own [m], in double precision; they cannot be written to.

    Args:
        model: any family.
        inputs: what `forward` takes, arrays that nobody changes afterwards.
    """
    for known, given, joints in _kept:
        if known is model and _same(given, inputs):
            return joints
    import torch

    from ehpsbench.body.forward import forward

    found = forward(model, **inputs, joints_only=True, dtype=torch.float64).joints.numpy()
    found.setflags(write=False)
    _keep(model, inputs, found)
    return found


def _same(first: Inputs, second: Inputs) -> bool:
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name], equal_nan=True) for name in first
    )


def _keep(model: BodyModel, inputs: Inputs, joints: Floats) -> None:
    """The latest first, as many as there is room for."""
    latest = [(model, inputs, joints), *_kept]
    rows = np.cumsum([len(found) for *_, found in latest])
    _kept[:] = latest[: int(np.searchsorted(rows, MOST_ROWS, side="right"))]
