"""Points taken off meshes: the vertex ids, regressors and roots that a protocol names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ehpsbench.errors import BodyMismatch
from ehpsbench.evaluation.mesh.rules import ErrorColumn

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

LSP_FROM_SMPL = (1, 2, 4, 5, 7, 8, 12, 15, 16, 17, 18, 19, 20, 21)
PELVIS, NECK = 0, 12
WRIST = {"left": 20, "right": 21}
FINGERS = {"left": range(25, 40), "right": range(40, 55)}
# of the 21 vertices that follow the joints in SMPL-X's order: face 5, feet 6, then the tips
TIPS = {"left": slice(11, 16), "right": slice(16, 21)}


@dataclass(frozen=True, slots=True)
class Picker:
    """Takes points off meshes of one topology.

    Attributes:
        regressor: (P, V) rows that make a point each; None: vertices are taken as they are.
        ids: (P,) vertices; None: all.
        root: (V,) row of the root joint; None: no root.
    """

    regressor: Tensor | None
    ids: Tensor | None
    root: Tensor | None

    def points(self, vertices: Tensor) -> Tensor:
        """(B, V, 3) → (B, P, 3)."""
        if self.regressor is not None:
            return torch.einsum("pv,bvd->bpd", self.regressor, vertices)
        return vertices if self.ids is None else vertices[:, self.ids]

    def roots(self, vertices: Tensor) -> Tensor | None:
        """(B, V, 3) → (B, 3), or None."""
        return None if self.root is None else torch.einsum("v,bvd->bd", self.root, vertices)

    def to(self, device: str) -> Picker:
        """The same on a device."""
        parts = (self.regressor, self.ids, self.root)
        return Picker(*(None if p is None else p.to(device) for p in parts))


@dataclass(frozen=True, slots=True)
class Pair:
    """The same points on the prediction's mesh and on the truth's."""

    pred: Picker
    true: Picker


def pair(error: ErrorColumn, side: str | None, family: str, bodies: BodySet) -> Pair:
    """How an error column's points are taken.

    Regressors and joints are those of the neutral model, also on gendered meshes, as in SMPLer-X.

    Args:
        error: the column.
        side: `left` or `right` for sets of hands.
        family: of the ground truth's mesh, `smplx` or `smpl`.
        bodies: the body set.

    Raises:
        BodyMismatch: the points exist on one of the two meshes only.
        MissingBody: a file that names the points is not there.
    """
    if family == "smplx":
        both = _picker(error, side, "smplx", bodies)
        return Pair(both, both)
    if error.points != "lsp14":
        raise BodyMismatch(
            f"{error.name}: {error.points} are points of the SMPL-X mesh, the ground truth is a "
            f"{family} mesh. A vertex error needs equal topology; use points = 'lsp14'."
        )
    return Pair(_picker(error, side, "smplx", bodies), _picker(error, side, family, bodies))


def _picker(error: ErrorColumn, side: str | None, family: str, bodies: BodySet) -> Picker:
    joints = np.asarray(bodies.model(family).joint_regressor, np.float64)
    ids, regressor = _points(error.points, side, joints, bodies)
    roots = {"pelvis": PELVIS, "neck": NECK, "wrist": WRIST.get(side or "")}
    row = roots.get(error.root)
    return Picker(
        regressor=None if regressor is None else torch.from_numpy(regressor),
        ids=None if ids is None else torch.from_numpy(ids),
        root=None if row is None else torch.from_numpy(joints[row]),
    )


def _points(
    points: str, side: str | None, joints: NDArray[np.float64], bodies: BodySet
) -> tuple[NDArray[np.int64] | None, NDArray[np.float64] | None]:
    """Vertex ids or regressor rows of a point set; neither for all vertices."""
    if points == "face_vertices":
        return _ids(bodies.vertex_ids("face")), None
    if points == "hand_vertices":
        return _ids(bodies.vertex_ids(f"{side}_hand")), None
    if points == "j14":
        return None, np.asarray(bodies.regressor("j14"), np.float64)
    if points == "lsp14":
        return None, joints[list(LSP_FROM_SMPL)]
    if points == "hand_joints":
        return None, _hand_joints(side or "", joints, bodies)
    return None, None


def _ids(ids: Any) -> NDArray[np.int64]:
    return np.array(ids, np.int64)


def _hand_joints(side: str, joints: NDArray[np.float64], bodies: BodySet) -> NDArray[np.float64]:
    """(21, V): the wrist, 15 finger joints, and a vertex for each of the 5 finger tips."""
    ids = bodies.model("smplx").extra_vertex_ids
    if ids is None:
        raise BodyMismatch(f"The SMPL-X model of {bodies.name} does not name its finger tips.")
    tips = np.zeros((5, joints.shape[1]))
    tips[np.arange(5), ids[TIPS[side]]] = 1
    return np.concatenate([joints[[WRIST[side]]], joints[list(FINGERS[side])], tips])
