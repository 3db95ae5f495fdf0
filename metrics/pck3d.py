"""Percentage of correct 3D joints, and the area under its curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.pck_curve import Curve
from ehpsbench.metrics.point_error import MM_PER_M, centred, point_mask
from ehpsbench.metrics.rigid_alignment import aligned

CARD = MetricCard(
    title="Percentage of correct 3D joints",
    unit="%",
    better="higher",
    definition=(
        "Share of the valid joints of all people nearer than 150 mm; AUC: mean of that share at "
        "the 31 thresholds 0, 5, …, 150 mm. Strictly nearer."
    ),
    source=(
        "Mehta et al. 2017 (MPI-INF-3DHP) as mmhuman3d 8c95747 "
        "mmhuman3d/core/evaluation/eval_utils.py:119-221 computes it."
    ),
    others=(
        "3DPW's challenge (PW3D): 50 mm, 12 major joints (PW3D_MAJOR), ≤, and the area under the "
        "thresholds 0 … 199 mm by the trapezoid rule, printed as 0–1; its code integrates the "
        "same polygon by an adaptive rule that stops some 1e-6 short."
    ),
    undefined=(
        "People with a joint that is not finite, or for whom no similarity is defined, are left "
        "out and counted in `undefined`; NaN where nobody is left."
    ),
)
COLUMNS = ("joints", "correct", "area", "undefined")
PW3D_MAJOR = (1, 2, 4, 5, 7, 8, 16, 17, 18, 19, 20, 21)
PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Rule:
    """Which joints are correct.

    Attributes:
        threshold: of the PCK [mm].
        curve: of the AUC [mm]; its `inclusive` holds for the threshold too.
    """

    threshold: float
    curve: Curve


MPI_INF_3DHP = Rule(150.0, Curve(150.0, 31, inclusive=False, area="mean"))
PW3D = Rule(50.0, Curve(199.0, 200, inclusive=True, area="trapezoid"))


def score(
    pred: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    *,
    pred_root: Tensor | None = None,
    target_root: Tensor | None = None,
    procrustes: bool = False,
    counted: Tensor | None = None,
    rule: Rule = MPI_INF_3DHP,
) -> Tensor:
    """Counts of each person; their sums give the numbers.

    Args:
        pred: (B, J, 3) joints [m].
        target: (B, J, 3) true joints [m].
        valid: (B, J) False where `target` says nothing; None: all joints count.
        pred_root: (B, 3) root of the prediction [m]; None: joints are compared as they are.
        target_root: (B, 3) root of the truth [m].
        procrustes: align by a similarity fitted on the valid joints first.
        counted: (B, J) which of the valid joints are scored; None: all of them.
        rule: thresholds; `PW3D` for 3DPW's challenge.

    Returns:
        (B, 4) float64, `COLUMNS`.

    Raises:
        ValueError: the shapes do not fit.
    """
    fitted = point_mask(pred, target, valid)
    mask = fitted if counted is None else fitted & point_mask(pred, target, counted)
    pred, target = centred(pred, pred_root), centred(target, target_root)
    if procrustes:
        pred = aligned(pred, target, fitted)
    distance = (pred - target).norm(dim=-1) * MM_PER_M
    undefined = (mask & ~distance.isfinite()).any(-1)
    mask = mask & ~undefined[:, None]
    limit = rule.threshold
    near = distance <= limit if rule.curve.inclusive else distance < limit
    area = torch.where(mask, rule.curve.areas(distance), 0.0)
    parts = (mask.sum(-1), (near & mask).sum(-1), area.sum(-1), undefined)
    return torch.stack([part.to(torch.float64) for part in parts], -1)


def numbers(sums: Tensor) -> Mapping[str, Tensor]:
    """Sums of rows (…, 4) → `pck` and `auc` (…) [%]."""
    joints, correct, area, _ = sums.unbind(-1)
    return {"pck": PERCENT * correct / joints, "auc": PERCENT * area / joints}
