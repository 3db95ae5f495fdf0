"""What each row teaches: joints, rotations, shape and expression in the view, and what is valid."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.geometry import rotation_matrix
from ehpsbench.training.joints import (
    BODY,
    JAW,
    JOINTS,
    LEFT_CHAIN,
    LEFT_HAND,
    LEFT_WRIST,
    RIGHT_CHAIN,
    RIGHT_HAND,
    RIGHT_WRIST,
)
from ehpsbench.training.labels import (
    Columns,
    Flags,
    clicks,
    flag,
    has,
    rows_of,
    straight,
    text,
    vector,
)
from ehpsbench.training.neutral import RESIDUAL_LIMIT_MM, neutral_shapes
from ehpsbench.training.views import Views

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SHAPE, EXPRESSION = 10, 10
NEAR = 0.1  # m; what is nearer to the camera is not taken for seen


@dataclass(frozen=True, slots=True)
class Targets:
    """Targets of N rows in their views; what a flag denies holds zeros (identity) and no meaning.

    Attributes:
        joints: (N, 55, 3) in the view [m].
        joints_known: (N, 55).
        pixels: (N, 55, 2) where the joints are seen, in crop coordinates (edges at ±1, y down).
        pixels_known: (N, 55).
        rotations: (N, 55, 3, 3) joint 0 in the view, the others relative to their parents.
        rotations_known: (N, 55).
        hand_root: (N, 2, 3, 3) left and right wrist in the view.
        hand_root_known: (N, 2).
        betas: (N, 10) on the neutral SMPL-X body.
        betas_known: (N,).
        betas_residual: (N,) how far a fitted shape is from the labelled one: RMS of the vertices
            at rest [m]; 0 for neutral labels of ten betas, and for the owners' neutral shape.
        expression: (N, 10).
        expression_known: (N,).
        camera: (N, 3, 3) view → homogeneous crop coordinates.
        tangent: (N,) half the crop's height over its distance.
    """

    joints: NDArray[np.float32]
    joints_known: Flags
    pixels: NDArray[np.float32]
    pixels_known: Flags
    rotations: NDArray[np.float32]
    rotations_known: Flags
    hand_root: NDArray[np.float32]
    hand_root_known: Flags
    betas: NDArray[np.float32]
    betas_known: Flags
    betas_residual: NDArray[np.float32]
    expression: NDArray[np.float32]
    expression_known: Flags
    camera: NDArray[np.float32]
    tangent: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.tangent)

    def take(self, rows: NDArray[np.intp]) -> Targets:
        """A copy of some rows."""
        return Targets(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def targets(columns: Columns, where: Views, bodies: BodySet, root: Path | None) -> Targets:
    """Targets of rows of the store.

    3D joints come from each row's own body (gendered, SMPL, personal template, MANO), and so does
    where they are seen; a row without a body has the owners' 2D keypoints. The shape is taught
    only where a neutral SMPL-X shape is known.

    Args:
        columns: rows of the store, as `schema.from_arrow` gives them.
        where: the views of the same rows.
        bodies: the body set of the labels.
        root: the release root, for personal templates and meshes.
    """
    from ehpsbench.body.posed import posed_joints

    joints, known = posed_joints(columns, bodies, root)
    rotations, rotations_known = _rotations(columns, where)
    hand_root, hand_root_known = _hand_roots(columns, where, rotations, rotations_known)
    known = known & np.isfinite(joints).all(-1) & joint_flags(columns, hand_root_known)
    turned = np.where(known[..., None], joints, 0) @ where.rotation.swapaxes(1, 2)
    pixels, pixels_known = _pixels(columns, where, turned, known)
    betas, residual, betas_known = _shape(columns, bodies)
    face = flag(columns, "face_valid") & has(columns, "expression")
    return Targets(
        joints=turned.astype(np.float32),
        joints_known=known,
        pixels=pixels.astype(np.float32),
        pixels_known=pixels_known,
        rotations=rotations.astype(np.float32),
        rotations_known=rotations_known,
        hand_root=hand_root.astype(np.float32),
        hand_root_known=hand_root_known,
        betas=betas.astype(np.float32),
        betas_known=betas_known,
        betas_residual=residual.astype(np.float32),
        expression=vector(columns, "expression", EXPRESSION, face).astype(np.float32),
        expression_known=face,
        camera=where.camera.astype(np.float32),
        tangent=where.tangent.astype(np.float32),
    )


def joint_flags(columns: Columns, hand_root_known: Flags) -> Flags:
    """(N, 55) joints whose part the row calls valid, and whose place follows from what is labelled.

    Where the body is not valid, its face hangs on nothing, and so does a hand without a root of
    its own: their rotations teach, their places would teach a body that nobody has labelled.
    """
    flags = np.zeros((rows_of(columns), JOINTS), bool)
    body = flag(columns, "body_valid")
    flags[:, BODY] = body[:, None]
    flags[:, JAW : JAW + 3] = (body & flag(columns, "face_valid"))[:, None]
    hands = ((LEFT_HAND, LEFT_WRIST, "left"), (RIGHT_HAND, RIGHT_WRIST, "right"))
    for side, (part, wrist, name) in enumerate(hands):
        placed = flag(columns, f"{name}_hand_valid") & hand_root_known[:, side]
        flags[:, part] = placed[:, None]
        flags[:, wrist] |= placed
    return flags


def _pixels(
    columns: Columns, where: Views, joints: NDArray[np.float64], known: Flags
) -> tuple[NDArray[np.float64], Flags]:
    """(N, 55, 2) where joints are seen in the crop, and (N, 55) which of them: see `targets`."""
    homogeneous = joints @ where.camera.swapaxes(1, 2)
    depth = np.where(homogeneous[..., 2:] > NEAR, homogeneous[..., 2:], 1.0)
    ahead = (joints[..., 2] > NEAR) & (homogeneous[..., 2] > NEAR)
    projected = known & ahead & straight(columns)[:, None]
    marked, labelled = clicks(columns)
    clicked = (marked - where.centre[:, None]) / where.half[:, None]
    pixels = np.where(projected[..., None], homogeneous[..., :2] / depth, 0)
    return np.where(labelled[..., None], clicked, pixels), projected | labelled


def _rotations(columns: Columns, where: Views) -> tuple[NDArray[np.float64], Flags]:
    """(N, 55, 3, 3) rotations with joint 0 in the view, and (N, 55) which of them are labelled."""
    count = rows_of(columns)
    angles, known = np.zeros((count, JOINTS, 3)), np.zeros((count, JOINTS), bool)
    layout = (
        ("global_orient", slice(0, 1), "body_valid"),
        ("body_pose", slice(1, 22), "body_valid"),
        ("jaw_pose", slice(22, 23), "face_valid"),
        ("left_hand_pose", LEFT_HAND, "left_hand_valid"),
        ("right_hand_pose", RIGHT_HAND, "right_hand_valid"),
    )
    for name, joints, valid in layout:
        keep = flag(columns, valid) & has(columns, name)
        width = joints.stop - joints.start
        angles[:, joints] = vector(columns, name, 3 * width, keep).reshape(count, width, 3)
        known[:, joints] = keep[:, None]
    matrices = rotation_matrix(angles)
    matrices[:, 0] = where.rotation @ matrices[:, 0]
    matrices[~known[:, 0], 0] = np.eye(3)
    return matrices, known


def _hand_roots(
    columns: Columns, where: Views, rotations: NDArray[np.float64], known: Flags
) -> tuple[NDArray[np.float64], Flags]:
    """(N, 2, 3, 3) wrists in the view: through the body, or from a hand-only row's own root."""
    count = len(rotations)
    roots, roots_known = np.tile(np.eye(3), (count, 2, 1, 1)), np.zeros((count, 2), bool)
    for side, (name, chain) in enumerate((("left", LEFT_CHAIN), ("right", RIGHT_CHAIN))):
        valid = flag(columns, f"{name}_hand_valid")
        through = valid & known[:, list(chain)].all(1)
        roots[through, side] = chained(rotations[through], chain)
        alone = valid & ~through & has(columns, f"{name}_hand_orient")
        own = rotation_matrix(vector(columns, f"{name}_hand_orient", 3, alone))
        roots[alone, side] = (where.rotation @ own)[alone]
        roots_known[:, side] = through | alone
    return roots, roots_known


def chained(rotations: NDArray[np.float64], chain: tuple[int, ...]) -> NDArray[np.float64]:
    """(N, 3, 3) product of the rotations along a chain, root first."""
    product = rotations[:, chain[0]]
    for joint in chain[1:]:
        product = product @ rotations[:, joint]
    return product


def _shape(
    columns: Columns, bodies: BodySet
) -> tuple[NDArray[np.float64], NDArray[np.float64], Flags]:
    """(N, 10) betas of the neutral SMPL-X body, (N,) how far it is off [m], (N,) where known.

    The owners' neutral shape goes before a neutral label, and that before a fit to the labelled
    body of an adult, which counts up to `RESIDUAL_LIMIT_MM`.
    """
    kid = np.ma.filled(columns.get("kid", np.zeros(rows_of(columns))), 0)
    adult = ~has(columns, "template_path") & (~has(columns, "kid") | (kid == 0))
    models, genders = text(columns, "source_model"), text(columns, "gender")
    smplx = flag(columns, "shape_valid") & adult & (models == "smplx")
    owners = smplx & has(columns, "betas_neutral")
    labelled = ~owners & has(columns, "betas")
    # ten of more betas say another body than all of them: those rows are fitted
    more = labelled.copy()
    if labelled.any():
        more &= np.ma.getdata(columns["betas"])[:, SHAPE:].any(1)
    own = smplx & labelled & (genders == "neutral") & ~more
    # `shape_valid` speaks of SMPL-X. A SMPL row's betas are part of its valid body; all zero, they
    # are what a release without shapes was filled with.
    filled = vector(columns, "betas", SHAPE, labelled).any(1)
    smpl = flag(columns, "body_valid") & adult & np.isin(models, ("smpl", "smplh")) & filled
    other = labelled & np.where(smplx, ~own, smpl)
    fitted, residual = neutral_shapes(columns, models, genders, other, bodies)
    fit = other & (residual <= RESIDUAL_LIMIT_MM)
    betas = vector(columns, "betas_neutral", SHAPE, owners) + vector(columns, "betas", SHAPE, own)
    betas[fit] = fitted[fit]
    return betas, np.where(fit, residual / 1000, 0), owners | own | fit
