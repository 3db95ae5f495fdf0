"""Mean per-joint position error after a similarity."""

from __future__ import annotations

from torch import Tensor

from ehpsbench.metrics.arguments import check_tensors
from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.rigid_alignment import aligned_error

CARD = MetricCard(
    title="Mean per-joint position error after a similarity",
    unit="mm",
    better="lower",
    definition="Mean over joints of |s·R·p + t − g|, the similarity fitted for each person.",
    source="Umeyama 1991 on the joints scored; the PA-MPJPE of SMPLer-X and OSX.",
    others=(
        "SMPLest-X drops the wrist of hands (20 joints) and hands above 100 mm. FreiHAND's "
        "alignment may mirror: see freihand."
    ),
    undefined=(
        "NaN where fewer than 3 points are valid, all are in one place, one is not finite, or "
        "none counts."
    ),
)


def score(
    pred: Tensor, target: Tensor, valid: Tensor | None = None, *, counted: Tensor | None = None
) -> Tensor:
    """Mean distance of joints after scale, rotation and translation were fitted for each person.

    Args:
        pred: (B, J, 3) joints [m].
        target: (B, J, 3) true joints [m].
        valid: (B, J) False where `target` says nothing; the rest is fitted on. None: all.
        counted: (B, J) which of the valid joints enter the mean; None: all of them. OSX fits on
            all joints of a person and averages over those inside the image.

    Returns:
        (B,) one value a person [mm]; NaN where no similarity is defined (fewer than 3 valid
        points, all in one place, not finite) or no joint counts.

    Raises:
        ValueError: the shapes do not fit, or something is no tensor.
    """
    check_tensors(pred=pred, target=target, valid=valid, counted=counted)
    return aligned_error(pred, target, valid, counted)
