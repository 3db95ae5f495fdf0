"""Jitter of joint sequences."""

from __future__ import annotations

from torch import Tensor

from ehpsbench.metrics.arguments import check_tensors, frame_rate
from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.motion import differences, placed, windows
from ehpsbench.metrics.point_error import check_points

UNIT = 10.0  # [m/s³], what WHAM and GVHMR print jitter in

CARD = MetricCard(
    title="Jitter",
    unit="10 m/s³",
    better="lower",
    definition=(
        "Mean over joints of |x₊₃ − 3·x₊₂ + 3·x₊₁ − x₀| · fps³ / 10 of the prediction alone, for "
        "each window of four frames of one sequence; a smoothness, not an error."
    ),
    source=(
        "WHAM 2b54f77 lib/eval/eval_utils.py:445-461 and GVHMR 44fbc19 "
        "hmr4d/utils/eval/eval_utils.py:313-326, after TransPose (Yi et al. 2021)."
    ),
    others="WHAM takes the first 24 joints, in the world frame; TransPose prints 100 m/s³.",
    undefined=(
        "NaN for windows across a sequence's end, with an invalid frame or one not finite, and for "
        "frame rates that are not above 0 or not finite."
    ),
)


def score(
    pred: Tensor,
    valid: Tensor | None = None,
    *,
    fps: float | Tensor,
    sequence: Tensor | None = None,
) -> Tensor:
    """Jitter of each frame; its window is one frame before it and two after.

    Args:
        pred: (F, J, 3) joints of many sequences, one after another [m].
        valid: (F,) False for frames that say nothing; None: all frames count.
        fps: frames a second, one number or (F,); of each frame, NaN where it is not known.
        sequence: (F,) number of each frame's sequence; None: all frames are one sequence.

    Returns:
        (F,) float64 [10 m/s³]; NaN where a frame has no window or no rate.

    Raises:
        ValueError: the shapes do not fit.
    """
    check_tensors(pred=pred, valid=valid, sequence=sequence)
    check_points(pred, pred)
    size = differences(pred, 3).norm(dim=-1).mean(-1)
    per_frame = placed(size, windows(len(pred), 3, valid, sequence), len(pred))
    return per_frame * frame_rate(fps, len(pred), pred) ** 3 / UNIT
