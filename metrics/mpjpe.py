"""Mean per-joint position error."""

from __future__ import annotations

from torch import Tensor

from ehpsbench.metrics.arguments import check_tensors
from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.point_error import mean_point_error, root_shift

CARD = MetricCard(
    title="Mean per-joint position error",
    unit="mm",
    better="lower",
    definition="Mean over joints of |p − g|, each side relative to its own root.",
    source="Ionescu et al. 2014, eq. 8. Differs: the root is given, it need not be a joint scored.",
    others=(
        "Four joint sets go by this name on 3DPW. Root: regressed pelvis (SMPLest-X), midpoint of "
        "the hips (mmhuman3d, AGORA), joint 0 (Human3.6M, 3DPW challenge). mmhuman3d and mmpose "
        "pool joints over people; SMPLest-X centres hands on the wrist of the prediction only."
    ),
    undefined="NaN where no joint is valid, or a valid one is not finite.",
)


def score(
    pred: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    *,
    pred_root: Tensor | None = None,
    target_root: Tensor | None = None,
) -> Tensor:
    """Mean distance of joints, each side relative to its own root.

    Args:
        pred: (B, J, 3) joints in the camera frame [m].
        target: (B, J, 3) true joints [m].
        valid: (B, J) False where `target` says nothing; None: all joints count.
        pred_root: (B, 3) root of the prediction [m]; None: joints are compared as they are.
        target_root: (B, 3) root of the truth [m].

    Returns:
        (B,) one value a person [mm]; NaN where no joint is valid, or one is not finite.

    Raises:
        ValueError: the shapes do not fit, or something is no tensor.
    """
    check_tensors(pred=pred, target=target, valid=valid)
    check_tensors(pred_root=pred_root, target_root=target_root)
    shift = root_shift(pred_root, target_root, len(pred))
    return mean_point_error(pred, target, valid, shift=shift)
