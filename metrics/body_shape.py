"""Shape errors of bodies in T-pose: PVE-T, its centred form, and PVE-T-SC."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.point_error import check_points, mean_point_error

CARD = MetricCard(
    title="Shape error in T-pose",
    unit="mm",
    better="lower",
    definition=(
        "Mean distance of the vertices of the bodies in T-pose, mean over people. `pve_t`: as they "
        "are; `v2v_t`: the vertices' means in one place; `pve_t_sc`: moreover the prediction is "
        "scaled so that the RMS distance of its vertices from their mean is the truth's."
    ),
    source=(
        "PVE-T-SC: SSP-3D b99a7de metrics.py, STRAPS 47012a8 metrics/eval_metrics_tracker.py "
        "(Sengupta et al. 2020). v2v_t: SHAPY a5daa70 regressor/hbw_evaluation/evaluate_hbw.py "
        "(point_error)."
    ),
    others=(
        "The scale is the ratio of the two spreads, not the least-squares one. SSP-3D poses the "
        "prediction with the truth's gender. HBW's P2P-20k takes points by a licensed regressor: "
        "give those points for vertices, and read `v2v_t`."
    ),
    undefined=(
        "A body that is not finite is left out of all, one with all vertices in one place of "
        "`pve_t_sc`; NaN where none is left."
    ),
)
KINDS = ("pve_t", "v2v_t", "pve_t_sc")
COLUMNS = tuple(name for kind in KINDS for name in (kind, f"{kind}_count"))


def score(pred: Tensor, target: Tensor) -> Tensor:
    """Errors of each person and how many there are; their sums give the means.

    Args:
        pred: (B, V, 3) vertices of the predicted bodies in T-pose [m].
        target: (B, V, 3) of the true ones [m].

    Returns:
        (B, 6) float64, `COLUMNS` [mm].

    Raises:
        ValueError: the shapes do not fit.
    """
    check_points(pred, target)
    pred, target = pred.detach().to(torch.float64), target.detach().to(torch.float64)
    a, b = pred - pred.mean(1, keepdim=True), target - target.mean(1, keepdim=True)
    spread, wanted = (x.square().sum((1, 2), keepdim=True).sqrt() for x in (a, b))
    scaled = a / spread * wanted
    errors = [mean_point_error(*p) for p in ((pred, target), (a, b), (scaled, b))]
    columns = [(torch.where(e.isfinite(), e, 0.0), e.isfinite().to(e)) for e in errors]
    return torch.stack([part for pair in columns for part in pair], -1)


def numbers(sums: Tensor) -> Mapping[str, Tensor]:
    """Sums of rows (…, 6) → `pve_t`, `v2v_t`, `pve_t_sc` (…) [mm]."""
    errors, counts = sums[..., 0::2], sums[..., 1::2]
    return dict(zip(KINDS, (errors / counts).unbind(-1), strict=True))
