"""Per-vertex error after a similarity."""

from __future__ import annotations

from torch import Tensor

from ehpsbench.metrics.arguments import check_tensors
from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.rigid_alignment import aligned_error

CARD = MetricCard(
    title="Per-vertex error after a similarity",
    unit="mm",
    better="lower",
    definition="Mean over the part's vertices of |s·R·p + t − g|, fitted for each person and part.",
    source="Umeyama 1991 on the vertices of the part scored; the PA-MPVPE of SMPLer-X and OSX.",
    others="SMPLest-X leaves out hands by flags that are 1 on whole bodies.",
    undefined=(
        "NaN where fewer than 3 points are valid, all are in one place, one is not finite, or "
        "none counts."
    ),
)


def score(
    pred: Tensor, target: Tensor, valid: Tensor | None = None, *, counted: Tensor | None = None
) -> Tensor:
    """Mean distance of vertices after scale, rotation and translation were fitted for each person.

    Args:
        pred: (B, V, 3) vertices [m].
        target: (B, V, 3) true vertices [m].
        valid: (B, V) False where `target` says nothing; the rest is fitted on. None: all.
        counted: (B, V) which of the valid vertices enter the mean; None: all of them. OSX fits on
            all vertices of a person and averages over those inside the image.

    Returns:
        (B,) one value a person [mm]; NaN where no similarity is defined (fewer than 3 valid
        points, all in one place, not finite) or no vertex counts.

    Raises:
        ValueError: the shapes do not fit, or something is no tensor.
    """
    check_tensors(pred=pred, target=target, valid=valid, counted=counted)
    return aligned_error(pred, target, valid, counted)
