"""Intersection over union and accuracy of classes, from areas pooled over a set."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ehpsbench.metrics.blocks import over_blocks
from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.pixels import measured

CARD = MetricCard(
    title="Mean intersection over union of classes (mIoU), mean and overall accuracy",
    unit="%",
    better="higher",
    definition=(
        "Areas of every class are summed over the set, then IoU_c = intersection / union, "
        "Acc_c = intersection / truth; mIoU and mAcc are their means over classes, aAcc = all "
        "intersections / all truth. Pixels whose truth is ignore_index do not count."
    ),
    source="mmsegmentation's IoUMetric as in sapiens 3e829ac seg/mmseg/evaluation/metrics/"
    "iou_metric.py:72-291. Differs: int64 areas, nothing rounded.",
    others=(
        "mmsegmentation's areas are float32 histograms, exact below 2^24 pixels of a class in an "
        "image, and its numbers are rounded to 2 decimals; its nan_to_num=0 counts absent classes "
        "as 0. torchmetrics counts a class that is only predicted as accuracy 0, and leaves an "
        "ignored class out. The mean of images' mIoU is another number."
    ),
    undefined=(
        "A class absent from truth and prediction has neither IoU nor Acc and is left out of the "
        "means; one that is only predicted has IoU 0, which counts, and no Acc. Nothing labelled: "
        "NaN. A predicted value that is no class is an error, or counts as wrong: it is missed in "
        "the union of the true class. A true value that is neither class nor ignore_index leaves "
        "the truth's area and stays in the prediction's, or is an error."
    ),
)
OutOfRange = Literal["error", "count"]
KINDS = ("intersection", "prediction", "truth")
MOST_CLASSES = 254
PORTION = 1 << 18  # pixels, several for each pair of labels that is counted


def columns(classes: Sequence[str]) -> tuple[str, ...]:
    """Names of the statistics of a row: an area of each kind and class [px]."""
    return tuple(f"{kind}_{name}" for kind in KINDS for name in classes)


def score(
    pred: Tensor,
    target: Tensor,
    *,
    classes: int,
    ignore_index: int | None = 255,
    predicted_out_of_range: OutOfRange = "error",
    true_out_of_range: OutOfRange = "count",
) -> Tensor:
    """Areas of each class in each image, which add up over images.

    Args:
        pred: (B, ...) predicted labels, whole numbers.
        target: (B, ...) true labels.
        classes: C; labels are 0 to C − 1.
        ignore_index: truth that says nothing; it may be a class. None: all pixels count.
        predicted_out_of_range: what a prediction that is no class is; "count": wrong.
        true_out_of_range: what a truth is that is neither a class nor ignored; "count": it is in
            no class's truth, while its prediction counts, as in mmsegmentation.

    Returns:
        (B, 3·C) int64 intersection, prediction and truth of each class [px]; see `columns`.

    Raises:
        ValueError: shapes differ, labels are no whole numbers, or a value is out of range.
    """
    _check(pred, target, classes)
    pred, target = measured(pred), measured(target)
    rows = []
    for said, true in zip(pred, target, strict=True):
        work = partial(_areas, classes, ignore_index)
        parts = over_blocks(work, said.reshape(-1), true.reshape(-1), size=PORTION)
        areas, outside = torch.split(torch.stack(parts).sum(0), [3 * classes, 2])
        if predicted_out_of_range == "error" and outside[0]:
            raise ValueError(_no_class("prediction", said, classes))
        if true_out_of_range == "error" and outside[1]:
            raise ValueError(_no_class("truth", true, classes, ignore_index))
        rows.append(areas)
    return torch.stack(rows) if rows else target.new_zeros((0, 3 * classes), dtype=torch.int64)


def numbers(sums: Tensor, classes: Sequence[str] | None = None) -> dict[str, Tensor]:
    """The numbers of a set from its summed areas.

    Args:
        sums: (..., 3·C) sums of rows.
        classes: (C) names; None: their numbers.

    Returns:
        `miou`, `macc`, `aacc` [%], `classes_used` (how many classes mIoU is the mean of), and
        `iou_<class>`, `acc_<class>` [%]; (...) each, NaN where not defined.
    """
    count = sums.shape[-1] // 3
    names = [str(i) for i in range(count)] if classes is None else list(classes)
    if len(names) != count or sums.shape[-1] % 3:
        raise ValueError(f"{len(names)} classes have {3 * len(names)} areas, not {sums.shape[-1]}.")
    both, said, true = torch.split(sums.to(torch.float64), count, dim=-1)
    iou, acc = 100 * both / (said + true - both), 100 * both / true
    found = {
        "miou": iou.nanmean(-1),
        "macc": acc.nanmean(-1),
        "aacc": 100 * both.sum(-1) / true.sum(-1),
        "classes_used": iou.isfinite().sum(-1).to(torch.float64),
    }
    found |= {f"iou_{name}": iou[..., i] for i, name in enumerate(names)}
    return found | {f"acc_{name}": acc[..., i] for i, name in enumerate(names)}


def _check(pred: Tensor, target: Tensor, classes: int) -> None:
    if pred.shape != target.shape or pred.ndim < 2:
        raise ValueError(
            "pred and target must be label maps (B, ...) of one shape, got "
            f"{tuple(pred.shape)} and {tuple(target.shape)}."
        )
    for name, labels in (("pred", pred), ("target", target)):
        if labels.is_floating_point() or labels.is_complex():
            raise ValueError(f"{name} must hold whole numbers, it is {labels.dtype}.")
    if not 1 <= classes <= MOST_CLASSES:
        raise ValueError(f"classes must be 1 to {MOST_CLASSES}, got {classes}.")


def _areas(
    classes: int, ignore_index: int | None, _: Tensor, pred: Tensor, target: Tensor
) -> Tensor:
    """(3·C + 2) areas of a row, then of predictions and of truths that are no class."""
    way = _compiled if target.is_cpu else _joint_areas
    joint = way(pred, target, classes, ignore_index)
    areas = [joint[:classes, :classes].diagonal(), joint[:, :classes].sum(0)]
    areas += [joint[:classes].sum(1), joint[:, classes:].sum()[None], joint[classes:].sum()[None]]
    return torch.cat(areas)


def _compiled(pred: Tensor, target: Tensor, classes: int, ignore_index: int | None) -> Tensor:
    from ehpsbench.metrics.label_kernels import joint_areas

    found = np.zeros((4, classes + 1, classes + 1), np.int64)
    said, true = (
        (x if x.dtype == torch.uint8 else x.to(torch.int64)).contiguous().numpy()
        for x in (pred, target)
    )
    joint_areas(said, true, ignore_index or 0, ignore_index is not None, found)
    return torch.from_numpy(found.sum(0))


def _joint_areas(pred: Tensor, target: Tensor, classes: int, ignore_index: int | None) -> Tensor:
    """(C + 1, C + 1) pixels of each (truth, prediction) that are not ignored; C: no class."""
    true, said = target.to(torch.int64), pred.to(torch.int64)
    row, column = (torch.where((x >= 0) & (x < classes), x, classes) for x in (true, said))
    pair = row * (classes + 1) + column
    if ignore_index is not None:
        pair = pair[true != ignore_index]
    return torch.bincount(pair, minlength=(classes + 1) ** 2).view(classes + 1, classes + 1)


def _no_class(what: str, labels: Tensor, classes: int, ignored: int | None = None) -> str:
    values = [int(v) for v in torch.unique(labels) if not 0 <= v < classes and v != ignored]
    allowed = f"0 to {classes - 1}" + ("" if ignored is None else f" or {ignored} (ignored)")
    return f"A {what} holds {values[:5]}, which are no classes; labels are {allowed}."
