"""Average precision and recall of detected people, by the similarity of their keypoints.

Two steps: `matches` decides, image by image, which detection is right, wrong or does not count;
`average_precision` ranks all of them by score. A bootstrap repeats only the second, with weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.oks import EPSILON

CARD = MetricCard(
    title="Average precision and recall of keypoints",
    unit="1",
    better="higher",
    definition=(
        "At most 20 detections an image, by score, each take the best free person with OKS ≥ "
        "threshold; precision at 101 recalls, its mean over the thresholds .50:.05:.95 (AP) and "
        "the mean of the highest recalls (AR); for all people, medium (32²–96² px²) and large."
    ),
    source=(
        "pycocotools 2.0.11 cocoeval.py with the corrections of xtcocotools 1.14.3: people without "
        "labelled joints are ignored by their joints, not by num_keypoints; detections whose "
        "joints all have confidence 0 do not count; ids play no part; no detections give 0."
    ),
    others=(
        "mmpose multiplies scores by those of the joints and suppresses detections by OKS before "
        "(see keypoint_suppression). pycocotools takes a match to annotation id 0 for none, and a "
        "detection with NaN for a perfect one."
    ),
    undefined=(
        "NaN for a range of areas without people, where the official codes print −1; 0 where there "
        "are people and no detections. NaN similarities and scores are refused."
    ),
)

# The official codes' own arithmetic: 0.5 + i · 0.05 in another form misses some by one ulp.
THRESHOLDS: tuple[float, ...] = tuple(np.linspace(0.5, 0.95, 10).tolist())
RECALLS: tuple[float, ...] = tuple(np.linspace(0.0, 1.0, 101).tolist())
AREAS: tuple[tuple[float, float], ...] = ((0.0, 1e10), (32.0**2, 96.0**2), (96.0**2, 1e10))
MAX_DETECTIONS = 20
NUMBERS = "ap ap50 ap75 ap_medium ap_large ar ar50 ar75 ar_medium ar_large".split()
CHUNK = 1_000_000  # weights of detections held at once


@dataclass(frozen=True, slots=True)
class Matches:
    """The rows of I images with N detections, best first within each image.

    Attributes:
        image: (N,) which image each detection is in, 0 ≤ image < I.
        scores: (N,) of the detections.
        correct: (N, 3, 10) True where it takes a person, by area range and OKS threshold.
        wrong: (N, 3, 10) True where it takes nobody; neither is True where it does not count.
        people: (I, 3) people who should be found, by area range.
    """

    image: Tensor
    scores: Tensor
    correct: Tensor
    wrong: Tensor
    people: Tensor

    @classmethod
    def joined(cls, parts: Sequence[Matches]) -> Matches:
        """The rows of all images of all parts, in that order."""
        starts = np.cumsum([0, *(len(p.people) for p in parts)])
        columns = {f.name: [getattr(p, f.name) for p in parts] for f in fields(cls)}
        columns["image"] = [p.image + int(s) for p, s in zip(parts, starts[:-1], strict=True)]
        return cls(**{name: torch.cat(tensors) for name, tensors in columns.items()})


def matches(
    oks: Tensor,
    scores: Tensor,
    detection_area: Tensor,
    person_area: Tensor,
    *,
    ignored: Tensor | None = None,
    crowd: Tensor | None = None,
    is_detection: Tensor | None = None,
    is_person: Tensor | None = None,
    max_detections: int = MAX_DETECTIONS,
) -> Matches:
    """Which detections of I images are right; images are padded to D detections and P people.

    Args:
        oks: (I, D, P) similarities; see `ehpsbench.metrics.oks`.
        scores: (I, D) of the detections; of equal ones the first counts as the better.
        detection_area: (I, D) [px²]: those that take nobody count only in their range.
        person_area: (I, P) [px²].
        ignored: (I, P) True for people who need not be found: taking one is neither right nor
            wrong. Those without labelled joints belong here. None: nobody.
        crowd: (I, P) True for regions of many people: ignored, and taken any number of times.
        is_detection: (I, D) False for padding, and for detections that have no joint with
            confidence above 0. None: all.
        is_person: (I, P) False for padding. None: all.
        max_detections: how many of the best count in an image.

    Raises:
        ValueError: shapes do not fit, or a similarity, score or area is NaN.
    """
    images, many, persons = oks.shape
    shapes = {"detections": (images, many), "people": (images, persons)}
    device, no = oks.device, torch.zeros(images, persons, dtype=torch.bool, device=oks.device)
    crowds = no if crowd is None else crowd.bool()
    ignore = crowds if ignored is None else ignored.bool() | crowds
    here = ~no if is_person is None else is_person.bool()
    there = (
        torch.ones(images, many, dtype=torch.bool, device=device)
        if is_detection is None
        else is_detection.bool()
    )
    _check(shapes["detections"], scores=scores, detection_area=detection_area, is_detection=there)
    _check(shapes["people"], person_area=person_area, ignored=ignore, crowd=crowds, is_person=here)
    _refuse_nan(oks, there, here)

    oks, scores = oks.detach().double(), scores.detach().double()
    ranked = torch.where(there, scores, -torch.inf)
    order = torch.sort(ranked, dim=1, descending=True, stable=True).indices[:, :max_detections]
    there = there.gather(1, order)
    similar = oks.gather(1, order[..., None].expand(-1, -1, persons))
    similar = torch.where(here[:, None], similar, -1.0)
    skipped = ignore[:, None] | _outside(person_area)
    correct, taken = _taken(similar, here, skipped, crowds)
    unseen = _outside(detection_area.gather(1, order)).transpose(1, 2)
    wrong = ~taken & ~unseen[..., None]
    image = torch.arange(images, device=device)[:, None].expand_as(there)
    return Matches(
        image=image[there],
        scores=scores.gather(1, order)[there],
        correct=correct[there],
        wrong=wrong[there],
        people=(here[:, None] & ~skipped).sum(-1),
    )


def average_precision(rows: Matches, image_weights: Tensor | None = None) -> dict[str, Tensor]:
    """The ten numbers of COCO.

    Args:
        rows: of all images; of detections with equal scores the first counts as the better.
        image_weights: (..., I) how often each image counts; None: once. Weight w gives what w
            copies of the image give, all copies of a detection ranked beside each other.

    Returns:
        `ap`, `ap50`, `ap75`, `ap_medium`, `ap_large`, and `ar…` likewise, each (...): shares from
        0 to 1; NaN where nobody is to be found in the range.
    """
    count = len(rows.people)
    if image_weights is None:
        image_weights = torch.ones(count, dtype=torch.float64, device=rows.people.device)
    if image_weights.shape[-1:] != (count,):
        raise ValueError(f"image_weights must be (..., {count}), not {tuple(image_weights.shape)}")
    weights = image_weights.double().reshape(-1, count)
    size = max(1, CHUNK // max(1, len(rows.scores), count))
    parts = [_curves(rows, chunk) for chunk in torch.split(weights, size)] or [
        _curves(rows, weights)
    ]
    precision, recall = (torch.cat(tables) for tables in zip(*parts, strict=True))
    found: dict[str, Tensor] = {}
    for name, table in (("ap", precision), ("ar", recall)):
        columns = (table[:, 0].mean(-1), table[:, 0, 0], table[:, 0, 5])
        ranges = (table[:, 1].mean(-1), table[:, 2].mean(-1))
        found |= dict(zip([n for n in NUMBERS if n[:2] == name], columns + ranges, strict=True))
    return {name: values.reshape(image_weights.shape[:-1]) for name, values in found.items()}


score = matches
"""What is kept of each image; the numbers are of all of them together."""


def _taken(similar: Tensor, here: Tensor, skipped: Tensor, crowd: Tensor) -> tuple[Tensor, Tensor]:
    """(I, D, 3, T) whether each detection, best first, takes a person who counts, or anybody."""
    images, many, persons = similar.shape
    limits = torch.tensor(THRESHOLDS, dtype=torch.float64, device=similar.device)
    limits = limits.clamp(max=1 - 1e-10)[:, None]
    place = torch.arange(1, persons + 1, device=similar.device)
    free = here[:, None, None].expand(images, len(AREAS), len(limits), persons)
    wanted, crowds = ~skipped[:, :, None], crowd[:, None, None]
    shape = (images, many, len(AREAS), len(limits))
    correct, taken = (torch.zeros(shape, dtype=torch.bool, device=place.device) for _ in "ct")
    for rank in range(many if persons else 0):
        value = similar[:, rank, None, None]
        can = (value >= limits) & free
        right = can & wanted
        correct[:, rank] = right.any(-1)
        taken[:, rank] = can.any(-1)
        can = torch.where(correct[:, rank, ..., None], right, can)
        best = torch.where(can, value, -1.0).amax(-1, keepdim=True)
        last = ((can & (value == best)) * place).amax(-1, keepdim=True)  # of equals, as COCO does
        free = free & ((place != last) | crowds)
    return correct, taken


def _curves(rows: Matches, weights: Tensor) -> tuple[Tensor, Tensor]:
    """(S, 3, 10) mean precision over recalls, and highest recall, for (S, I) image weights."""
    order = torch.sort(rows.scores, descending=True, stable=True).indices
    each = weights.index_select(1, rows.image[order])
    correct, wrong = rows.correct[order], rows.wrong[order]
    people = weights @ rows.people.double()
    shape = (len(weights), len(AREAS), len(THRESHOLDS))
    precision, recall = (torch.zeros(shape, dtype=torch.float64, device=each.device) for _ in "pr")
    for area in range(len(AREAS)):
        for level in range(len(THRESHOLDS)):
            right = correct[:, area, level]
            counts = right | wrong[:, area, level]
            if not right.any():
                continue
            found = each.index_select(1, right.nonzero()[:, 0]).cumsum(1)
            total = each.index_select(1, counts.nonzero()[:, 0]).cumsum(1)
            total = total.index_select(1, right[counts].nonzero()[:, 0])
            precision[:, area, level] = _mean_precision(found, total, people[:, area])
            recall[:, area, level] = found[:, -1] / people[:, area]
    nobody = (people == 0)[..., None]
    return precision.masked_fill(nobody, torch.nan), recall.masked_fill(nobody, torch.nan)


def _mean_precision(found: Tensor, total: Tensor, people: Tensor) -> Tensor:
    """(S,) mean over 101 recalls of the best precision at that recall or above.

    Args:
        found: (S, n) people found up to each right detection; precision has its peaks there.
        total: (S, n) detections that count up to there.
        people: (S,) people who should be found.
    """
    precision = (found / (total + EPSILON)).flip(1).cummax(1).values.flip(1)
    precision = torch.nn.functional.pad(precision, (0, 1))
    recalls = torch.tensor(RECALLS, dtype=torch.float64, device=found.device)
    at = torch.searchsorted(found / people[:, None], recalls.repeat(len(found), 1))
    return precision.gather(1, at).mean(1)


def _outside(area: Tensor) -> Tensor:
    """(I, 3, P) True where an area is outside the range."""
    ranges = torch.tensor(AREAS, dtype=torch.float64, device=area.device)[..., None]
    size = area.double()[:, None]
    return (size < ranges[:, 0]) | (size > ranges[:, 1])


def _check(shape: tuple[int, int], **tensors: Tensor) -> None:
    for name, tensor in tensors.items():
        if tensor.shape != shape:
            raise ValueError(f"{name} must be {shape}, it is {tuple(tensor.shape)}")
        if tensor.is_floating_point() and tensor.isnan().any():
            raise ValueError(f"{name} holds NaN")


def _refuse_nan(oks: Tensor, there: Tensor, here: Tensor) -> None:
    if (oks.isnan() & there[..., None] & here[:, None]).any():
        raise ValueError(
            "oks holds NaN; detections must be finite, and people have joints or a box"
        )
