"""Points taken off meshes: the vertex ids, regressors and roots that a protocol names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ehpsbench.errors import BodyMismatch
from ehpsbench.evaluation.mesh.rules import ErrorColumn, MeshProtocol
from ehpsbench.evaluation.mesh.topology import mapped, smplx_to_smpl
from ehpsbench.metrics.point_pairs import PointPairs

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]
LSP_FROM_SMPL = (1, 2, 4, 5, 7, 8, 12, 15, 16, 17, 18, 19, 20, 21)
H36M_EVALUATED = (1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16)
H36M_HIPS, J14_HIPS, SMPL_HIPS = [1, 4], [2, 3], [1, 2]
PELVIS, NECK = 0, 12
WRIST = {"left": 20, "right": 21}
FINGERS = {"left": range(25, 40), "right": range(40, 55)}
# of the 21 vertices that follow the joints in SMPL-X's order: face 5, feet 6, then the tips
TIPS = {"left": slice(11, 16), "right": slice(16, 21)}
ON_SMPL = ("vertices", "lsp14", "h36m14", "smpl24")


@dataclass(frozen=True, slots=True)
class Figures:
    """Bodies to take points off.

    Attributes:
        vertices: (B, V, 3), float32 or float64 [m].
        joints: (B, 24, 3) SMPL's own joints, where a picker asks for them [m].
    """

    vertices: Tensor
    joints: Tensor | None = None

    def of(self, rows: slice) -> Figures:
        """Some of the bodies."""
        return Figures(self.vertices[rows], None if self.joints is None else self.joints[rows])


@dataclass(frozen=True, slots=True)
class Weighted:
    """Points that are weighted sums of a few vertices: a regressor without its zeros.

    Attributes:
        ids: (U,) vertices that have a weight.
        weights: (P, U).
    """

    ids: Tensor
    weights: Tensor

    @classmethod
    def of(cls, rows: Floats) -> Weighted:
        """From (P, V) rows."""
        ids = np.flatnonzero((rows != 0).any(0))
        return cls(torch.from_numpy(ids), torch.from_numpy(np.ascontiguousarray(rows[:, ids])))

    def __call__(self, vertices: Tensor) -> Tensor:
        """(B, V, 3) → (B, P, 3)."""
        return self.weights @ vertices.index_select(1, self.ids).to(self.weights)

    def to(self, device: str) -> Weighted:
        """The same on a device."""
        return Weighted(self.ids.to(device), self.weights.to(device))


@dataclass(frozen=True, slots=True)
class Picker:
    """Takes points off meshes of one topology.

    Attributes:
        regressor: makes the points, a sparse (P, V) matrix where they are a whole mesh; None:
            vertices are taken as they are.
        ids: (P,) vertices; None: all.
        root: makes the root, one point; None: no root.
        own_joints: points are the model's own joints, the root is made of those in `root_joints`.
        root_joints: of the own joints.
    """

    regressor: Weighted | Tensor | None
    ids: Tensor | None
    root: Weighted | None
    own_joints: bool = False
    root_joints: tuple[int, ...] = ()

    def points(self, figures: Figures) -> Tensor:
        """(B, P, 3)."""
        points, ids = self.places(figures)
        return points if ids is None else points.index_select(1, ids)

    def places(self, figures: Figures) -> tuple[Tensor, Tensor | None]:
        """(B, N, 3) points and the (P,) ids of those that are meant; None: all."""
        if self.own_joints:
            return _joints(figures), None
        if isinstance(self.regressor, Weighted):
            return self.regressor(figures.vertices), None
        if self.regressor is not None:
            return mapped(self.regressor, figures.vertices), None
        return figures.vertices, self.ids

    def roots(self, figures: Figures) -> Tensor | None:
        """(B, 3), or None."""
        if self.root_joints:
            return _joints(figures)[:, list(self.root_joints)].mean(1)
        if self.root is None:
            return None
        return self.root(figures.vertices)[:, 0]

    def to(self, device: str) -> Picker:
        """The same on a device."""
        return replace(
            self,
            regressor=None if self.regressor is None else self.regressor.to(device),
            ids=None if self.ids is None else self.ids.to(device),
            root=None if self.root is None else self.root.to(device),
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """The same points on the prediction's mesh and on the truth's."""

    pred: Picker
    true: Picker

    def points(self, pred: Figures, true: Figures) -> PointPairs:
        """Of B bodies each."""
        said, pred_ids = self.pred.places(pred)
        known, true_ids = self.true.places(true)
        return PointPairs(said, known, pred_ids, true_ids)


def pair(error: ErrorColumn, side: str | None, rules: MeshProtocol, bodies: BodySet) -> Pair:
    """How an error column's points are taken.

    Regressors and joints are those of the neutral model, also on gendered meshes, as in SMPLer-X;
    `smpl24` of the truth are the posed joints of its own model, as in 3DPW's challenge.

    Args:
        error: the column.
        side: `left` or `right` for sets of hands.
        rules: of the benchmark: the family of the truth's mesh, and whether the prediction is
            brought to it.
        bodies: the body set.

    Raises:
        BodyMismatch: the points exist on one of the two meshes only.
        MissingBody: a file that names the points is not there.
    """
    if rules.rows.source_model == "smplx":
        both = _picker(error, side, _Mesh(bodies, "smplx", "smplx"))
        return Pair(both, both)
    mapped = rules.prediction_mesh == "smpl"
    if error.points not in ON_SMPL or (error.points == "vertices" and not mapped):
        raise BodyMismatch(
            f"{error.name}: {error.points} are points of the SMPL-X mesh, the ground truth is a "
            "smpl mesh. A vertex error needs equal topology; use points = 'lsp14', or "
            "prediction_mesh = 'smpl'."
        )
    pred = _picker(error, side, _Mesh(bodies, "smplx", "smpl" if mapped else "smplx"))
    if error.points == "smpl24":
        return Pair(pred, Picker(None, None, None, True, _own_root(error.root)))
    return Pair(pred, _picker(error, side, _Mesh(bodies, "smpl", "smpl")))


@dataclass(frozen=True, slots=True)
class _Mesh:
    """A mesh of one family on which points are named by another (or the same) one's regressors."""

    bodies: BodySet
    family: str
    named_by: str

    def joints(self, family: str) -> Floats:
        """(J, V) of the neutral model."""
        return np.asarray(self.bodies.model(family).joint_regressor, np.float64)

    def h36m(self) -> Floats:
        """(17, V)."""
        name = "h36m" if self.named_by == "smplx" else "smpl/h36m"
        return np.asarray(self.bodies.regressor(name), np.float64)

    def matrix(self) -> Tensor | None:
        """(V', V) from this mesh to the one that names the points; None where it is the same."""
        return None if self.family == self.named_by else smplx_to_smpl(self.bodies)

    def here(self, rows: Floats) -> Floats:
        """Regressor rows of the naming mesh, for this one."""
        matrix = self.matrix()
        if matrix is None:
            return rows
        there = torch.from_numpy(np.ascontiguousarray(rows.T))
        found: Floats = torch.sparse.mm(matrix.t(), there).numpy()
        return np.ascontiguousarray(found.T)


def _picker(error: ErrorColumn, side: str | None, mesh: _Mesh) -> Picker:
    ids, regressor = _points(error.points, side, mesh)
    root = _root(error, side, mesh)
    return Picker(
        regressor=regressor,
        ids=None if ids is None else torch.from_numpy(ids),
        root=None if root is None else Weighted.of(root[None]),
    )


def _points(
    points: str, side: str | None, mesh: _Mesh
) -> tuple[NDArray[np.int64] | None, Weighted | Tensor | None]:
    """Vertex ids or regressor rows of a point set; neither for all vertices."""
    if points == "face_vertices":
        return _ids(mesh.bodies.vertex_ids("face")), None
    if points == "hand_vertices":
        return _ids(mesh.bodies.vertex_ids(f"{side}_hand")), None
    if points == "vertices":
        return None, mesh.matrix()
    return None, Weighted.of(_rows(points, side or "", mesh))


def _rows(points: str, side: str, mesh: _Mesh) -> Floats:
    """(P, V) regressor rows of a set of joints."""
    if points == "j14":
        return np.asarray(mesh.bodies.regressor("j14"), np.float64)
    if points == "h36m14":
        return mesh.here(mesh.h36m()[list(H36M_EVALUATED)])
    if points == "lsp14":
        return mesh.here(mesh.joints(mesh.named_by)[list(LSP_FROM_SMPL)])
    if points == "smpl24":
        return mesh.here(mesh.joints("smpl"))
    found = _hand_joints(side, mesh.joints("smplx"), mesh.bodies)
    return found[1:] if points == "finger_joints" else found


def _root(error: ErrorColumn, side: str | None, mesh: _Mesh) -> Floats | None:
    """(V,) row of the root, on the mesh as it is."""
    own = {"pelvis": PELVIS, "neck": NECK, "wrist": WRIST.get(side or "")}.get(error.root)
    if own is not None:
        row: Floats = mesh.joints(mesh.family)[own]
        return row
    rows = _root_rows(error, mesh)
    return None if rows is None else np.asarray(rows.mean(0), np.float64)


def _root_rows(error: ErrorColumn, mesh: _Mesh) -> Floats | None:
    """(K, V) rows between which a root lies that belongs to the set of points."""
    if error.root not in ("hip_midpoint", "first_joint"):
        return None
    hips = error.root == "hip_midpoint"
    if error.points == "j14":
        return np.asarray(mesh.bodies.regressor("j14"), np.float64)[J14_HIPS]
    if error.points == "h36m14":
        return mesh.here(mesh.h36m()[H36M_HIPS if hips else [0]])
    return mesh.here(mesh.joints(mesh.named_by)[SMPL_HIPS if hips else [PELVIS]])


def _own_root(root: str) -> tuple[int, ...]:
    """Joints of SMPL's 24 between which a root lies."""
    joints = {"hip_midpoint": tuple(SMPL_HIPS), "neck": (NECK,), "none": (), "camera": ()}
    return joints.get(root, (PELVIS,))


def _ids(ids: Any) -> NDArray[np.int64]:
    return np.array(ids, np.int64)


def _hand_joints(side: str, joints: Floats, bodies: BodySet) -> Floats:
    """(21, V): the wrist, 15 finger joints, and a vertex for each of the 5 finger tips."""
    ids = bodies.model("smplx").extra_vertex_ids
    if ids is None:
        raise BodyMismatch(f"The SMPL-X model of {bodies.name} does not name its finger tips.")
    tips = np.zeros((5, joints.shape[1]))
    tips[np.arange(5), ids[TIPS[side]]] = 1
    return np.concatenate([joints[[WRIST[side]]], joints[list(FINGERS[side])], tips])


def _joints(figures: Figures) -> Tensor:
    if figures.joints is None:
        raise ValueError("SMPL's own joints were asked of bodies that came without them.")
    return figures.joints
