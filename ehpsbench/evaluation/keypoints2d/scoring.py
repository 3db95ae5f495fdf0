"""Matches of all images: similar sizes together, so that little is computed on padding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ehpsbench.evaluation.keypoints2d.rules import Detections, Group
from ehpsbench.evaluation.keypoints2d.submitted import Submitted
from ehpsbench.evaluation.keypoints2d.truth import Truth
from ehpsbench.metrics import oks
from ehpsbench.metrics.keypoint_ap import Matches, matches
from ehpsbench.metrics.keypoint_suppression import rescored, survivors
from ehpsbench.metrics.oks_sigmas import GROUPS, WHOLEBODY_133

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
BATCH = 200_000  # joints of pairs compared at once: they stay in the processor's cache
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Ranked:
    """The detections that count for a group, image by image, best first.

    Attributes:
        rows: (M,) rows of the submitted ones.
        image: (M,) their images, ascending.
        score: (M,) their scores.
    """

    rows: Rows
    image: Rows
    score: Floats


def matched(
    truth: Truth,
    said: Submitted,
    group: Group,
    rule: Detections,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Matches:
    """Which detections of a group are right, for all images, in their order.

    Args:
        truth: the people.
        said: the detections.
        group: which joints.
        rule: how they are ranked and matched.
        device: where they are compared.
        progress: told how many images are done.
    """
    part = GROUPS[group]
    ranked = _ranked(said, group, rule, part, device)
    counts = [np.bincount(i, minlength=len(truth.images.ids)) for i in (truth.image, ranked.image)]
    order = np.lexsort(counts)
    parts, done = [], 0
    while done < len(order):
        size = _batch(counts, order, done, part)
        images = order[done : done + size]
        parts.append(_matched(truth, said, ranked, images, part=part, device=device))
        done += size
        if progress is not None:
            progress(done, len(order))
    return _restored(Matches.joined(parts), order)


def _batch(counts: list[Rows], order: Rows, done: int, part: slice) -> int:
    """How many of the next images, which grow in size, are taken together."""
    joints, size = part.stop - part.start, 1
    while done + size < len(order):
        sizes = [c[order[done : done + 2 * size]].max() for c in counts]
        if 2 * size * sizes[0] * sizes[1] * joints > BATCH or size >= 4096:
            break
        size *= 2
    return size


def _ranked(said: Submitted, group: Group, rule: Detections, part: slice, device: str) -> Ranked:
    """Scores as the rule makes them; without joints, suppressed or beyond the limit: left out."""
    score = said.part_scores.get(group, said.score)
    confidence = said.points[..., 2]
    if rule.scores != "submitted":
        made = rescored(
            torch.from_numpy(said.score),
            torch.from_numpy(confidence),
            rule.scores,
            threshold=rule.sure,
        )
        score = made.numpy()
    keep = (confidence[:, part] > 0).any(1)
    if rule.suppress == "oks":
        keep &= _survivors(said, score, rule, device)
    rows = np.flatnonzero(keep)
    ties = -rows if rule.suppress == "oks" else rows  # mmpose writes the survivors backwards
    rows = rows[np.lexsort((ties, -score[rows], said.image[rows]))]
    image = said.image[rows]
    rank = np.arange(len(rows)) - np.searchsorted(image, image)
    best = rows[rank < rule.most]
    return Ranked(best, said.image[best], score[best])


def _survivors(said: Submitted, score: Floats, rule: Detections, device: str) -> NDArray[np.bool_]:
    """(N,) detections that no better one of their image is nearly the same as, over all joints."""
    sides = np.ptp(said.points[..., :2], axis=1) * rule.padding
    area, sigmas = sides.prod(1), WHOLEBODY_133[: said.points.shape[1]]
    keep = np.zeros(len(said.image), bool)
    images, counts = np.unique(said.image, return_counts=True)
    order = images[np.argsort(counts, kind="stable")]
    for start in range(0, len(order), 64):
        rows, there = _padded(said.image, order[start : start + 64])
        found = survivors(
            torch.from_numpy(said.points[rows][..., :2]).to(device),
            torch.from_numpy(score[rows]).to(device),
            torch.from_numpy(area[rows]).to(device),
            sigmas,
            threshold=rule.same,
            is_detection=torch.from_numpy(there).to(device),
        )
        keep[rows[there]] = found.cpu().numpy()[there]
    return keep


def _matched(
    truth: Truth, said: Submitted, ranked: Ranked, images: Rows, *, part: slice, device: str
) -> Matches:
    """Matches of a few images."""

    def tensor(values: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)

    who, is_person = _padded(truth.image, images)
    what, is_detection = _padded(ranked.image, images)
    rows = _at(ranked.rows, what)
    people, detections = _at(truth.points, who)[:, :, part], _at(said.points, rows)[:, :, part]
    visible = (people[..., 2] > 0) & is_person[..., None]
    box = np.where(is_person[..., None], _at(truth.box, who), np.nan)
    area = tensor(_at(truth.area, who))
    similar = oks.score(
        tensor(detections[..., :2]),
        tensor(people[..., :2]),
        tensor(visible),
        area,
        WHOLEBODY_133[part],
        box=tensor(box),
    )
    return matches(
        similar,
        tensor(_at(ranked.score, what)),
        tensor(_at(said.area, rows)),
        area,
        ignored=tensor(_at(truth.left_out, who) | ~visible.any(-1)),
        crowd=tensor(_at(truth.crowd, who)),
        is_detection=tensor(is_detection),
        is_person=tensor(is_person),
        max_detections=max(1, what.shape[1]),
    )


def _padded(image: Rows, images: Rows) -> tuple[Rows, NDArray[np.bool_]]:
    """(B, M) rows of each image, of rows ordered by image, and which of them are real."""
    first = np.searchsorted(image, images)
    count = np.searchsorted(image, images, side="right") - first
    place = np.arange(count.max(initial=0))
    there = place < count[:, None]
    return np.where(there, first[:, None] + place, 0), there


def _at(values: NDArray[Any], rows: Rows) -> NDArray[Any]:
    """Values at rows; of an empty table zeros, which padding never shows."""
    if len(values):
        return np.asarray(values[rows])
    return np.zeros((*rows.shape, *values.shape[1:]), values.dtype)


def _restored(rows: Matches, order: Rows) -> Matches:
    """Rows of images that were taken in another order, in the right one."""
    to = torch.from_numpy(order).to(rows.image.device)
    image = to[rows.image]
    back = torch.sort(image, stable=True).indices
    people = torch.empty_like(rows.people)
    people[to] = rows.people
    return Matches(image[back], rows.scores[back], rows.correct[back], rows.wrong[back], people)
