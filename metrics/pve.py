"""Per-vertex error."""

from __future__ import annotations

from torch import Tensor

from ehpsbench.metrics.arguments import check_tensors
from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.point_error import mean_point_error, root_shift

CARD = MetricCard(
    title="Per-vertex error",
    unit="mm",
    better="lower",
    definition="Mean over the part's vertices of |p − g|, each side relative to its own root.",
    source=(
        "MPVPE of Moon et al. 2022 (Hand4Whole) as OSX and SMPLer-X compute it: whole body "
        "centred on the pelvis, a hand on its wrist, the face on the neck."
    ),
    others=(
        "mmhuman3d does not align at all and pools points. AGORA's MVE centres on the midpoint of "
        "the hips and leaves out part of the mesh. OSX and SMPLer-X average UBody over visible "
        "vertices only, SMPLest-X over all."
    ),
    undefined="NaN where no vertex is valid, or a valid one is not finite.",
)


def score(
    pred: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    *,
    pred_root: Tensor | None = None,
    target_root: Tensor | None = None,
) -> Tensor:
    """Mean distance of the vertices of one mesh topology, each side relative to its own root.

    Args:
        pred: (B, V, 3) vertices in the camera frame [m].
        target: (B, V, 3) the same vertices, true [m].
        valid: (B, V) False for vertices left out, such as those outside the image; None: all.
        pred_root: (B, 3) root of the prediction [m]; None: meshes are compared as they are.
        target_root: (B, 3) root of the truth [m].

    Returns:
        (B,) one value a person [mm]; NaN where no vertex is valid, or one is not finite.

    Raises:
        ValueError: the shapes do not fit, or something is no tensor.
    """
    check_tensors(pred=pred, target=target, valid=valid)
    check_tensors(pred_root=pred_root, target_root=target_root)
    shift = root_shift(pred_root, target_root, len(pred))
    return mean_point_error(pred, target, valid, shift=shift)
