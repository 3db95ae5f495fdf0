"""Mean per-joint angle error."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.rigid_alignment import similarity

CARD = MetricCard(
    title="Mean per-joint angle error",
    unit="°",
    better="lower",
    definition=(
        "Mean over joints of the angle of R(p)·R(g)ᵀ, the joints' rotations in the camera frame. "
        "PA-MPJAE: each R(p) is first turned by the rotation of the similarity that fits the "
        "predicted joint places to the true ones."
    ),
    source=(
        "3DPW challenge, 3dpw-eval 2640f24 evaluate.py:25-53, 410-440: the 9 joints ORIENTED of "
        "SMPL's 24; the similarity is fitted on all 24."
    ),
    others="The code projects matrices to rotations first (cv2.Rodrigues), and so does this.",
    undefined=(
        "A joint whose matrix is not finite, singular (such as all zeros) or a reflection is left "
        "out, and so is PA where no similarity is defined (the code takes the identity for an "
        "all-zero prediction); NaN where none is left."
    ),
)
COLUMNS = ("angle", "joints", "pa_angle", "pa_joints")
ORIENTED = (0, 1, 2, 4, 5, 16, 17, 18, 19)
# Smallest singular value over the largest: 1 for a rotation. At 0 many rotations are equally near,
# and singular matrices that were rounded to float32 come to some 1e-7.
SINGULAR = 1e-6


def score(
    pred: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    *,
    pred_joints: Tensor | None = None,
    target_joints: Tensor | None = None,
) -> Tensor:
    """Sums of angles of each person, before and after alignment.

    Args:
        pred: (B, J, 3, 3) rotations of the joints scored, camera frame.
        target: (B, J, 3, 3) true rotations.
        valid: (B, J) False where `target` says nothing; None: all joints count.
        pred_joints: (B, K, 3) joint places to align by [m]; None: no PA-MPJAE.
        target_joints: (B, K, 3) true places [m].

    Returns:
        (B, 4) float64, `COLUMNS`, angles in degrees.

    Raises:
        ValueError: the shapes do not fit.
    """
    if pred.shape != target.shape or pred.ndim != 4 or pred.shape[-2:] != (3, 3):
        raise ValueError(
            "pred and target must both be (B, J, 3, 3), got "
            f"{tuple(pred.shape)} and {tuple(target.shape)}."
        )
    if valid is None:
        valid = torch.ones(pred.shape[:2], dtype=torch.bool, device=pred.device)
    if valid.shape != pred.shape[:2]:
        raise ValueError(f"valid must be {tuple(pred.shape[:2])}, got {tuple(valid.shape)}.")
    pred, target = pred.detach().to(torch.float64), target.detach().to(torch.float64)
    sums = [*_sums(angles(pred, target), valid)]
    if pred_joints is None or target_joints is None:
        return torch.stack([*sums, torch.zeros_like(sums[0]), torch.zeros_like(sums[0])], -1)
    turn = similarity(pred_joints, target_joints).rotation
    return torch.stack([*sums, *_sums(angles(turn[:, None] @ pred, target), valid)], -1)


def numbers(sums: Tensor) -> Mapping[str, Tensor]:
    """Sums of rows (…, 4) → `mpjae` and `pa_mpjae` (…) [°]."""
    angle, joints, pa_angle, pa_joints = sums.unbind(-1)
    return {"mpjae": angle / joints, "pa_mpjae": pa_angle / pa_joints}


def angles(pred: Tensor, target: Tensor) -> Tensor:
    """(…) angle between two rotations (…, 3, 3) [°]; NaN for what is near none, or near many."""
    product = pred.to(torch.float64) @ target.to(torch.float64).transpose(-1, -2)
    finite = product.isfinite().all(-1).all(-1)
    u, s, vt = torch.linalg.svd(torch.where(finite[..., None, None], product, 0.0))
    whole = s[..., 2] > SINGULAR * s[..., 0]
    turn = u @ vt
    axis = torch.stack(
        [
            turn[..., 2, 1] - turn[..., 1, 2],
            turn[..., 0, 2] - turn[..., 2, 0],
            turn[..., 1, 0] - turn[..., 0, 1],
        ],
        -1,
    )
    cosine = turn.diagonal(dim1=-2, dim2=-1).sum(-1) - 1
    angle = torch.rad2deg(torch.atan2(axis.norm(dim=-1), cosine))
    return torch.where(finite & whole & (torch.linalg.det(turn) > 0), angle, torch.nan)


def _sums(angle: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """(B,) sums of the angles that count, and (B,) how many they are."""
    kept = valid.bool() & angle.isfinite()
    return torch.where(kept, angle, 0.0).sum(-1), kept.sum(-1).to(torch.float64)
