"""The held-out clusters of a training set: the learning curve, and the in-domain check."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.training.data import Samples
from ehpsbench.training.estimate import Estimate, view_joints, view_vertices
from ehpsbench.training.joints import BODY, PELVIS
from ehpsbench.training.targets import Targets, text

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet


def held_out(
    clusters: Sequence[str], images: Sequence[str], share: float
) -> tuple[NDArray[np.bool_], bool]:
    """Which rows to hold out: whole clusters, in the order of their hash, until `share` is met.

    The choice does not depend on the seed, the recipe or the order of the rows.

    Args:
        clusters: of each row.
        images: of each row; they stand in for clusters where there is only one.
        share: of the rows, at least.

    Returns:
        (N,) True for held-out rows, and whether they are independent recordings.
    """
    independent = len(set(clusters)) > 1
    groups = np.asarray(clusters if independent else images, str)
    names, counts = np.unique(groups, return_counts=True)
    hashes = [hashlib.sha256(str(name).encode()).digest() for name in names]
    order = sorted(range(len(names)), key=hashes.__getitem__)
    before = np.cumsum([0, *counts[order][:-1]])
    chosen = [i for i, seen in zip(order[:-1], before, strict=False) if seen < share * len(groups)]
    return np.isin(groups, names[chosen]), independent


def evenly(rows: NDArray[np.intp], limit: int) -> NDArray[np.intp]:
    """At most `limit` of the rows, evenly spaced."""
    if len(rows) <= limit:
        return rows
    return np.asarray(rows[np.linspace(0, len(rows) - 1, limit).round().astype(int)])


def joint_error(
    found: NDArray[Any], wanted: NDArray[Any], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(N,) mean distance of the 22 body joints, pelvis on pelvis [m]; NaN where it is unknown.

    Args:
        found: (N, 55, 3) [m].
        wanted: (N, 55, 3) [m].
        known: (N, 55).
    """
    centred = (found - found[:, PELVIS, None]) - (wanted - wanted[:, PELVIS, None])
    distance = np.linalg.norm(centred[:, BODY].astype(np.float64), axis=-1)
    mask = known[:, BODY] & known[:, PELVIS, None]
    with np.errstate(invalid="ignore"):
        return np.asarray((distance * mask).sum(1) / np.where(mask.any(1), mask.sum(1), np.nan))


@dataclass(frozen=True, slots=True)
class Check:
    """Held-out rows with their true joints and meshes in the view, to score estimates with.

    Attributes:
        crops: (N, H, W, 3) cached crops.
        joints: (N, 55, 3) in the view [m].
        known: (N, 55).
        meshes: for each row (V, 3), pelvis at the origin, axes of the view [m]; None where its
            mesh is not of the SMPL-X family.
        bodies: whose neutral SMPL-X body estimates are of.
    """

    crops: NDArray[np.uint8]
    joints: NDArray[np.float32]
    known: NDArray[np.bool_]
    meshes: tuple[NDArray[np.float64] | None, ...]
    bodies: BodySet

    @classmethod
    def of(cls, data: Samples, rows: NDArray[np.intp], bodies: BodySet, root: Path) -> Check:
        """The check on some rows; `root` is the release root."""
        columns = {name: values[rows] for name, values in data.columns.items()}
        targets = data.targets.take(rows)
        return cls(
            crops=np.asarray(data.crops[rows]),
            joints=targets.joints,
            known=targets.joints_known,
            meshes=_meshes(columns, targets, data.views.rotation[rows], bodies, root),
            bodies=bodies,
        )

    def __len__(self) -> int:
        return len(self.joints)

    def joints_mm(self, found: Estimate) -> float | None:
        """Mean error of the 22 body joints, pelvis on pelvis [mm]; None where none is known."""
        return _mean_mm(joint_error(view_joints(found, self.bodies), self.joints, self.known))

    def errors(self, found: Estimate) -> dict[str, float | int | None]:
        """`mpjpe_mm` as above, `pve_mm` over the rows with a SMPL-X mesh, and how many."""
        has_mesh = np.flatnonzero([mesh is not None for mesh in self.meshes])
        each = np.full(len(self), np.nan)
        if len(has_mesh):
            vertices = view_vertices(found.take(has_mesh), self.bodies)
            wanted = np.stack([m for m in self.meshes if m is not None])
            each[has_mesh] = np.linalg.norm(vertices - wanted, axis=-1).mean(-1)
        return {
            "mpjpe_mm": self.joints_mm(found),
            "pve_mm": _mean_mm(each),
            "pve_rows": len(has_mesh),
        }


def _meshes(
    columns: dict[str, NDArray[Any]],
    targets: Targets,
    rotation: NDArray[np.float64],
    bodies: BodySet,
    root: Path,
) -> tuple[NDArray[np.float64] | None, ...]:
    from ehpsbench.body.posed import posed_vertices

    whole = (text(columns, "source_model") == "smplx") & targets.joints_known[:, PELVIS]
    meshes: list[NDArray[np.float64] | None] = [None] * len(targets)
    rows = np.flatnonzero(whole)
    if len(rows):
        chosen = {name: values[rows] for name, values in columns.items()}
        for row, mesh in zip(rows, posed_vertices(chosen, bodies, root), strict=True):
            turned = mesh @ rotation[row].T - targets.joints[row, PELVIS]
            meshes[row] = turned
    return tuple(meshes)


def _mean_mm(metres: NDArray[np.float64]) -> float | None:
    known = metres[np.isfinite(metres)]
    return float(1000 * known.mean()) if len(known) else None
