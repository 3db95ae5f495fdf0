"""FreiHAND's numbers: joint and vertex errors, areas under their curves, and F-scores."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.f_score import f_scores
from ehpsbench.metrics.hand_alignment import HandAlignment, hand_alignment
from ehpsbench.metrics.pck_curve import Curve
from ehpsbench.metrics.point_error import MM_PER_M, check_points

CARD = MetricCard(
    title="FreiHAND: PA-MPJPE, PA-MPVPE, AUC, F@5, F@15",
    unit="mm; areas and F-scores 0–1",
    better="lower",
    definition=(
        "Mean distance of the 21 joints and 778 vertices, each set aligned by its own scale, "
        "orthogonal map (mirrors allowed) and translation, and as they are. AUC: share of points "
        "within (≤) 100 thresholds 0 … 50 mm, trapezoid rule, divided by the range. F: harmonic "
        "mean of the shares of predicted and of true vertices with a neighbour strictly nearer "
        "than 5 or 15 mm on the other mesh, mean over hands."
    ),
    source=(
        "Zimmermann et al. 2019; freihand 5ea4ab9 eval.py:51-101, 168-300, utils/eval_util.py; its "
        "scores.txt is in cm."
    ),
    others=(
        "HaMeR aligns without mirrors (`reflect=False`); a mirrored hand has no error with them. A "
        "perfect hand has an aligned AUC of .994949, since some 4 nm are left and the first "
        "threshold is 0. For a mesh of another topology the code moves vertices by the joints' "
        "alignment without dividing by their own scale, and prints -1; here that scale is right."
    ),
    undefined=(
        "A hand that is not finite is left out and counted in `undefined` (the code stops); "
        "vertex numbers are NaN without vertices or for another topology."
    ),
)
CURVE = Curve(0.05, 100, inclusive=True, area="trapezoid")
F_THRESHOLDS = (0.005, 0.015)
_ERRORS = ("mpjpe", "joint_auc", "pa_mpjpe", "pa_joint_auc")
_VERTEX_ERRORS = ("mpvpe", "vertex_auc", "pa_mpvpe", "pa_vertex_auc")
_F_SCORES = ("f_5", "f_15", "pa_f_5", "pa_f_15")
COLUMNS = (
    "hands", *_ERRORS, "meshes", *_VERTEX_ERRORS, "clouds", *_F_SCORES, "undefined",
)  # fmt: skip


def score(
    pred: Tensor,
    target: Tensor,
    pred_vertices: Tensor | None = None,
    target_vertices: Tensor | None = None,
    *,
    reflect: bool = True,
) -> Tensor:
    """One row a hand; the sums of rows give the numbers of a set.

    Args:
        pred: (B, J, 3) joints of hands [m].
        target: (B, J, 3) true joints [m].
        pred_vertices: (B, V', 3) mesh [m]; None: joints only.
        target_vertices: (B, V, 3) true mesh [m].
        reflect: let alignments mirror, as FreiHAND does; False for the sane choice.

    Returns:
        (B, 17) float64, `COLUMNS`: counts, errors [mm], areas and F-scores.

    Raises:
        ValueError: the shapes do not fit.
    """
    _check(pred, target, pred_vertices, target_vertices)
    given = [t for t in (pred, target, pred_vertices, target_vertices) if t is not None]
    doubled = [t.detach().to(torch.float64) for t in given]
    whole = torch.stack([t.isfinite().flatten(1).all(1) for t in doubled]).all(0)
    clean = [torch.where(whole[:, None, None], t, 0.0) for t in doubled]
    joints, parts = _joint_columns(clean[0], clean[1], reflect)
    if len(clean) == 4:
        parts += _mesh_columns(clean[2], clean[3], joints, reflect)
    else:
        parts += [torch.zeros_like(parts[0])] * (len(COLUMNS) - 1 - len(parts))
    rows = torch.where(whole[:, None], torch.stack(parts, -1), 0.0)
    return torch.cat([rows, (~whole).to(rows)[:, None]], -1)


def numbers(sums: Tensor) -> Mapping[str, Tensor]:
    """Sums of rows (…, 17) → each number (…): errors [mm], areas and F-scores 0–1."""
    column = dict(zip(COLUMNS, sums.unbind(-1), strict=True))
    groups = (("hands", _ERRORS), ("meshes", _VERTEX_ERRORS), ("clouds", _F_SCORES))
    return {name: column[name] / column[count] for count, names in groups for name in names}


def _joint_columns(
    pred: Tensor, target: Tensor, reflect: bool
) -> tuple[HandAlignment, list[Tensor]]:
    """The joints' alignment; (B,) their count, errors and areas."""
    fit = hand_alignment(pred, target, reflect=reflect)
    count = pred.new_ones(len(pred))
    return fit, [count, *_errors(pred, target), *_errors(fit(pred), target)]


def _mesh_columns(
    pred: Tensor, target: Tensor, joints: HandAlignment, reflect: bool
) -> list[Tensor]:
    """(B,) counts, errors, areas and F-scores of meshes."""
    same = pred.shape == target.shape
    count = pred.new_ones(len(pred))
    moved = (hand_alignment(pred, target, reflect=reflect) if same else joints)(pred)
    columns = [torch.zeros_like(count)] * (1 + len(_VERTEX_ERRORS))
    if same:
        columns = [count, *_errors(pred, target), *_errors(moved, target)]
    scores = [f_scores(points, target, F_THRESHOLDS) for points in (pred, moved)]
    return [*columns, count, *torch.cat(scores, 1).unbind(-1)]


def _errors(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """(B,) mean distance [mm] and area under its curve."""
    distance = (pred - target).norm(dim=-1)
    return distance.mean(-1) * MM_PER_M, CURVE.areas(distance).mean(-1)


def _check(
    pred: Tensor, target: Tensor, pred_vertices: Tensor | None, target_vertices: Tensor | None
) -> None:
    check_points(pred, target)
    if pred_vertices is None and target_vertices is None:
        return
    if pred_vertices is None or target_vertices is None:
        raise ValueError("give vertices of both sides, or of none.")
    for name, mesh in (("predicted", pred_vertices), ("true", target_vertices)):
        if mesh.ndim != 3 or mesh.shape[-1] != 3 or len(mesh) != len(pred):
            raise ValueError(
                f"{name} vertices must be ({len(pred)}, V, 3), got {tuple(mesh.shape)}."
            )
