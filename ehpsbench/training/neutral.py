"""Neutral shapes of rows whose labels belong to a gendered SMPL-X, a SMPL or a SMPL-H body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.neutral import RESIDUAL_LIMIT_MM, SHAPE, fit_neutral, neutral_mesh
from ehpsbench.errors import MissingBody

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["RESIDUAL_LIMIT_MM", "fit_neutral", "neutral_shapes"]


def neutral_shapes(
    columns: Mapping[str, NDArray[Any]],
    models: NDArray[np.str_],
    genders: NDArray[np.str_],
    rows: NDArray[np.bool_],
    bodies: BodySet,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fitted shapes of adults; one factorisation per model.

    Args:
        columns: with `betas`.
        models: (N,) `source_model` of each row.
        genders: (N,) `gender` of each row.
        rows: (N,) which to fit.
        bodies: the body set of the labels.

    Returns:
        betas (N, 10), and the residual (N,) [mm]: infinite where nothing was fitted, also where
        the set lacks the map between the SMPL-X mesh and the row's.
    """
    fitted, residual = np.zeros((len(rows), SHAPE)), np.full(len(rows), np.inf)
    kinds = np.stack([models, genders], 1)
    for family, gender in sorted({(str(f), str(g)) for f, g in kinds[rows]}):
        chosen = rows & (kinds == (family, gender)).all(1)
        try:
            mesh = neutral_mesh(bodies, family)
        except MissingBody:
            continue
        fitted[chosen], residual[chosen] = fit_neutral(
            bodies.model(family, gender or "neutral"),
            mesh,
            np.ma.getdata(columns["betas"])[chosen],
        )
    return fitted, residual
