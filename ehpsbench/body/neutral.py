"""The neutral SMPL-X body nearest to a labelled one: least squares on the vertices at rest.

Both meshes are compared about their own mean, since the regressors of two models put the pelvis at
different places of the same mesh: a fit with pelvis on pelvis pays for that with a wrong shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.model import BodyModel, checked_betas, required_kid
from ehpsbench.errors import BodyMismatch

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["RESIDUAL_LIMIT_MM", "SHAPE", "NeutralMesh", "fit_neutral", "neutral_mesh"]

Floats = NDArray[np.float64]
SHAPE = 10  # betas of a neutral label and of a prediction
# Fits to gendered adults of the open body are off by 2 mm on average, and by less than 10 mm also
# at four deviations: people far from the mean keep their shape. The second shape direction moves a
# body by 8 mm a deviation, so a fit that is off by twice as much names somebody else.
RESIDUAL_LIMIT_MM = 15.0


@dataclass(frozen=True, slots=True, eq=False)
class NeutralMesh:
    """The neutral body at rest on some mesh: (V, 3) and (V, 3, 10) [m]."""

    name: str
    template: Floats
    directions: Floats


@dataclass(frozen=True, slots=True)
class _Fit:
    """The fit as a linear map of the labelled shape and 1: (S+1) numbers in.

    Attributes:
        betas: (10, S+1).
        square: (S+1, S+1) mean square distance of the vertices [m²], as a quadratic form.
    """

    betas: Floats
    square: Floats


def fit_neutral(
    labelled: BodyModel,
    neutral: BodyModel | NeutralMesh,
    betas: NDArray[Any],
    *,
    kid: NDArray[Any] | None = None,
) -> tuple[Floats, Floats]:
    """Neutral shapes of bodies labelled with another model of the family, in closed form.

    Args:
        labelled: the model of the labels: SMPL-X of any gender, SMPL or SMPL-H.
        neutral: the neutral SMPL-X body on the same mesh (`neutral_mesh`).
        betas: (N, S') labelled shapes.
        kid: (N,) weights of the kid template; a child is fitted as far as an adult model goes.

    Returns:
        betas (N, 10), and the root mean square distance of the vertices [mm] (N,).

    Raises:
        BodyMismatch: the meshes differ.
    """
    shape = checked_betas(labelled, np.asarray(betas, np.float64))
    given = np.zeros((len(shape), labelled.num_betas + 2))
    given[:, : shape.shape[1]] = shape
    given[:, -1] = 1
    if kid is not None and np.any(kid):
        required_kid(labelled)
        given[:, -2] = kid
    fit = _fit(labelled, neutral)
    square = np.einsum("ns,st,nt->n", given, fit.square, given)
    return given @ fit.betas.T, 1000 * np.sqrt(np.maximum(square, 0))


@lru_cache(maxsize=4)
def neutral_mesh(bodies: BodySet, family: str) -> NeutralMesh:
    """The neutral SMPL-X body on the mesh of a family: its own, or SMPL's through smplx2smpl.

    Raises:
        MissingBody: the set lacks the map from the SMPL-X mesh to SMPL's.
    """
    model = bodies.model("smplx", "neutral")
    own = NeutralMesh(model.name, model.v_template, model.shapedirs[..., :SHAPE])
    matrix = None if family == "smplx" else bodies.smplx_to_smpl()
    if matrix is None:
        return own
    directions = matrix @ own.directions.reshape(len(own.template), -1)
    return NeutralMesh(model.name, matrix @ own.template, directions.reshape(len(matrix), 3, -1))


@lru_cache(maxsize=16)
def _fit(labelled: BodyModel, neutral: BodyModel | NeutralMesh) -> _Fit:
    if isinstance(neutral, BodyModel):
        neutral = NeutralMesh(neutral.name, neutral.v_template, neutral.shapedirs[..., :SHAPE])
    template = neutral.template
    if len(template) != labelled.num_vertices:
        raise BodyMismatch(
            f"{labelled.name} has {labelled.num_vertices} vertices and {neutral.name} "
            f"{len(template)}: a neutral shape can only be fitted on one mesh. Bring the neutral "
            "body to the other mesh first (smplx2smpl.pkl)."
        )
    kid = labelled.kid_direction
    columns = [
        labelled.shapedirs,
        (np.zeros_like(template) if kid is None else kid)[..., None],
        (labelled.v_template - template)[..., None],
    ]
    wanted, basis = _centred(np.concatenate(columns, -1)), _centred(neutral.directions)
    q, r = np.linalg.qr(basis)
    betas = np.linalg.solve(r, q.T @ wanted)
    left = wanted - basis @ betas
    return _Fit(betas, left.T @ left / len(template))


def _centred(directions: Floats) -> Floats:
    """(V, 3, K) → (3V, K) about the mean of the vertices."""
    return np.asarray((directions - directions.mean(0)).reshape(-1, directions.shape[-1]))
