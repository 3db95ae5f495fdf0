"""Truth as neutral bodies: each labelled shape replaced by the nearest neutral one.

Pose, expression and the place of the pelvis stay. What the neutral model cannot say of a shape is
the residual: how far the two meshes are apart at rest, vertices about their mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.model import BodyModel
from ehpsbench.body.neutral import RESIDUAL_LIMIT_MM, fit_neutral
from ehpsbench.body.posed import betas_of
from ehpsbench.schema import Columns, present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]
NAMED = 20  # people that a result names


def refitted(truth: Columns, bodies: BodySet) -> tuple[Columns, Floats]:
    """Labels of SMPL-X bodies of any gender as those of the neutral model.

    Labels of the neutral model stay as they are, with a residual of zero. So do people with a
    personal rest mesh, which no betas describe: their residual is infinite.

    Args:
        truth: instance columns of N people with parameters.
        bodies: the set that the labels belong to.

    Returns:
        The columns with neutral shapes, and the residuals (N,), root mean square [mm].
    """
    found = dict(truth)
    count = len(truth["global_orient"])
    genders = _filled(truth, "gender", "neutral", count)
    kid = np.nan_to_num(_numbers(truth, "kid", count, 1)[:, 0])
    known = _filled(truth, "template_path", "", count) == ""
    wanted = known & ((genders != "neutral") | (kid != 0))
    betas = _numbers(truth, "betas", count, np.shape(truth["betas"])[1])
    transl = _numbers(truth, "transl", count, 3)
    residual = np.where(known, 0.0, np.inf)
    neutral = bodies.model("smplx", "neutral")
    for gender in sorted(set(genders[wanted])):
        rows = np.flatnonzero(wanted & (genders == gender))
        labelled = bodies.model("smplx", gender)
        fit = _fit(labelled, neutral, betas_of(truth, rows), kid[rows])
        betas[rows] = 0
        betas[rows, : fit.betas.shape[1]] = fit.betas
        transl[rows] += fit.shift
        residual[rows] = fit.residual
    found |= {"betas": betas, "transl": transl}
    found["gender"] = np.where(wanted, "neutral", genders)
    found["kid"] = np.where(wanted, 0.0, kid)
    if "betas_more" in found:
        more = np.array(np.ma.getdata(found["betas_more"]), object)
        more[wanted] = None
        found["betas_more"] = more
    return found, residual


@dataclass(frozen=True, slots=True)
class _Fit:
    """(n, 10) neutral betas, (n, 3) by how much `transl` grows [m], (n,) residual [mm]."""

    betas: Floats
    shift: Floats
    residual: Floats


def _fit(labelled: BodyModel, neutral: BodyModel, betas: Floats | None, kid: Floats) -> _Fit:
    """Neutral shapes that leave the pelvis, about which a pose turns, where it is."""
    given = np.zeros((len(kid), 1)) if betas is None else betas
    fitted, residual = fit_neutral(labelled, neutral, given, kid=kid)
    before = labelled.rest_joints(given, kid)[:, 0]
    return _Fit(fitted, before - neutral.rest_joints(fitted)[:, 0], residual)


def told(residual: Floats, people: list[str]) -> dict[str, Any]:
    """What a result says of the refits of its people.

    Args:
        residual: (N,) [mm].
        people: their ids.
    """
    here = np.isfinite(residual)
    above = np.flatnonzero(~(residual <= RESIDUAL_LIMIT_MM))
    worst = above[np.argsort(-residual[above], kind="stable")]
    return {
        "limit_mm": RESIDUAL_LIMIT_MM,
        "mean_mm": float(residual[here].mean()) if here.any() else None,
        "largest_mm": float(residual[here].max()) if here.any() else None,
        "without_fit": int((~here).sum()),
        "above_limit": len(above),
        "named": [people[row] for row in worst[:NAMED]],
    }


def note(said: dict[str, Any]) -> list[str]:
    """A sentence on people whom the neutral model does not fit; none where it fits all."""
    if not said["above_limit"]:
        return []
    few = ", ".join(said["named"][:3])
    more = "" if said["above_limit"] <= 3 else " …"
    return [
        f"No neutral shape is within {said['limit_mm']:g} mm of the label of {said['above_limit']} "
        f"people ({few}{more}): they are scored all the same, and what is off counts as error."
    ]


def _filled(columns: Columns, name: str, default: str, count: int) -> NDArray[Any]:
    """(N,) text with nulls as `default`."""
    if name not in columns:
        return np.full(count, default, object)
    text = np.ma.getdata(columns[name]).astype(object)
    return np.where(present(columns[name]), text, default)


def _numbers(columns: Columns, name: str, count: int, width: int) -> Floats:
    """(N, width) numbers of one's own, with nulls as zero."""
    if name not in columns:
        return np.zeros((count, width))
    filled = np.ma.filled(columns[name], 0)
    return np.array(filled, np.float64).reshape(count, width)
