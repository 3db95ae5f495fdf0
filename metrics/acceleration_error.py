"""Acceleration error of joint sequences."""

from __future__ import annotations

from torch import Tensor

from ehpsbench.metrics.arguments import check_tensors, frame_rate
from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.motion import differences, placed, windows
from ehpsbench.metrics.point_error import MM_PER_M, centred, check_points

CARD = MetricCard(
    title="Acceleration error",
    unit="mm/frame²",
    better="lower",
    definition=(
        "Mean over joints of |a(p) − a(g)| with a(x) = x₋₁ − 2·x₀ + x₊₁, for each window of three "
        "frames of one sequence; the mean is over windows. × fps² / 1000 gives m/s²."
    ),
    source=(
        "Kanazawa et al. 2019 (HMMR) as VIBE 851f779 lib/utils/eval_utils.py:22-50, mmhuman3d, "
        "WHAM and GVHMR compute it."
    ),
    others=(
        "VIBE and SPIN stack sequences, so that windows across their seams enter (give no "
        "`sequence` for that). WHAM reports m/s² and drops one more window at each end, GVHMR "
        "m/s². All centre joints on the pelvis first. `compute_accel` of VIBE is the acceleration "
        "of the prediction alone: score it against zeros."
    ),
    undefined=(
        "NaN at the two ends of a sequence, for the three windows of an invalid frame, and where a "
        "joint is not finite; other codes let NaN spread to the mean. In m/s² also where the frame "
        "rate is not above 0 or not finite."
    ),
)


def score(
    pred: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    *,
    sequence: Tensor | None = None,
    pred_root: Tensor | None = None,
    target_root: Tensor | None = None,
) -> Tensor:
    """Acceleration error of each frame, whose window is the frame and its two neighbours.

    Args:
        pred: (F, J, 3) joints of many sequences, one after another [m].
        target: (F, J, 3) true joints [m].
        valid: (F,) False for frames that say nothing; None: all frames count.
        sequence: (F,) number of each frame's sequence; None: all frames are one sequence.
        pred_root: (F, 3) root of the prediction [m]; None: joints are taken as they are.
        target_root: (F, 3) root of the truth [m].

    Returns:
        (F,) float64 [mm/frame²]; NaN where the frame is no window's middle. The number of windows
        is that of finite values.

    Raises:
        ValueError: the shapes do not fit.
    """
    check_tensors(pred=pred, target=target, valid=valid, sequence=sequence)
    check_tensors(pred_root=pred_root, target_root=target_root)
    check_points(pred, target)
    moved = centred(pred, pred_root) - centred(target, target_root)
    error = differences(moved, 2).norm(dim=-1).mean(-1) * MM_PER_M
    return placed(error, windows(len(pred), 2, valid, sequence), len(pred))


def per_second(values: Tensor, fps: float | Tensor) -> Tensor:
    """Values in mm/frame² → m/s², at `fps` frames a second: one number, or (F,); NaN without."""
    return values * frame_rate(fps, len(values), values).square() / MM_PER_M
