"""AGORA's matching of detections to the people of an image, many images at a time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

JOINTS = 24  # the first joints of both sides are compared
LEAST_IOU = 0.1
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Matching:
    """Who is whom in B images, each padded to P detections and G people.

    Attributes:
        person_of: (B, P) index of each detection's person; −1 for a false positive or padding.
        detection_of: (B, G) index of each person's detection; −1 for nobody.
        detected: (B, P) False for padding.
        there: (B, G) False for padding.
        valid: (B, G) who can be matched at all.
        order: (B, P·G) pairs (detection · G + person) from near to far.
        matched: (B, P·G) which of them, in that order, became a match.
        closed: (B, P·G) which of them took an invalid person out.
    """

    person_of: Tensor
    detection_of: Tensor
    detected: Tensor
    there: Tensor
    valid: Tensor
    order: Tensor
    matched: Tensor
    closed: Tensor

    @property
    def false_positives(self) -> Tensor:
        """(B,) detections of nobody."""
        return (self.detected & (self.person_of == NOBODY)).sum(1)

    @property
    def missed(self) -> Tensor:
        """(B, G) True for people who could be matched and are not."""
        return self.there & self.valid & (self.detection_of == NOBODY)

    def listed(self, image: int) -> list[tuple[int | str, int | str]]:
        """One image in the notation and the order of the official code.

        Matches (detection, person) from near to far, then (detection, 'falsePositive'),
        ('miss', person), and ('invalid', person), some of whom come more than once.
        """
        people = self.detection_of.shape[1]
        order = self.order[image]
        pairs = [divmod(int(k), people) for k in order[self.matched[image]]]
        extra = self.detected[image] & (self.person_of[image] == NOBODY)
        closed = [int(k) % people for k in order[self.closed[image]]]
        closed += _indices(self.there[image] & ~self.valid[image])
        return [
            *pairs,
            *((d, "falsePositive") for d in _indices(extra)),
            *(("miss", g) for g in _indices(self.missed[image])),
            *(("invalid", g) for g in closed),
        ]


def matching(
    joints: Tensor,
    true_joints: Tensor,
    *,
    detected: Tensor | None = None,
    there: Tensor | None = None,
    valid: Tensor | None = None,
    boxes: Tensor | None = None,
    true_boxes: Tensor | None = None,
    least_iou: float = LEAST_IOU,
) -> Matching:
    """Match detections to people greedily, nearest first, as AGORA's evaluator does.

    A pair's distance is the spectral norm (largest singular value) of the 24×2 matrix of joint
    differences. A pair whose boxes overlap by less than `least_iou` counts as a false positive of
    the image even if one of the two has been matched, and the search ends when matches and such
    pairs are as many as the detections: admissible pairs that come later are not reached. A pair
    with an invalid person takes that person out and leaves the detection free.

    Args:
        joints: (B, P, J ≥ 24, 2) joints of the detections [px of the 3840×2160 image].
        true_joints: (B, G, K ≥ 24, 2) of the people [px].
        detected: (B, P) False for padding; None: all are there.
        there: (B, G) False for padding; None: all are there.
        valid: (B, G) False for people who cannot be matched; None: all can be.
        boxes: (B, P, 4) x1, y1, x2, y2 of all joints of a detection [px]; None: of `joints`.
        true_boxes: (B, G, 4) of the people; None: of `true_joints`.
        least_iou: overlap below which a pair is no match.

    Raises:
        ValueError: the shapes do not fit, or a joint or box that is there is not finite: the
            official code does not return for a detection with a NaN joint.

    Source:
        agora_evaluation 8c9dece, matching.py:103-263, utils.py:187-189. Differs: float64; ties go
        to the first detection, then the first person, as there.
    """
    detected = _mask(detected, joints)
    there = _mask(there, true_joints)
    valid = _mask(valid, true_joints) & there
    near = _joints(joints, detected)
    true_near = _joints(true_joints, there)
    own = joint_boxes(joints) if boxes is None else boxes.to(torch.float64)
    true = joint_boxes(true_joints) if true_boxes is None else true_boxes.to(torch.float64)
    _finite(own, detected, "boxes")
    _finite(true, there, "true_boxes")
    distance = spectral_norm(near[:, :, None] - true_near[:, None])
    return _greedy(distance, overlap(own, true) >= least_iou, detected, there, valid)


def _greedy(
    distance: Tensor, near_enough: Tensor, detected: Tensor, there: Tensor, valid: Tensor
) -> Matching:
    """Walk through the pairs of all images at once, k-th nearest pair by k-th nearest pair."""
    images, detections, people = distance.shape
    device = distance.device
    both = detected[:, :, None] & there[:, None]
    order = distance.masked_fill(~both, torch.inf).flatten(1).argsort(dim=1, stable=True)
    person_of = torch.full((images, detections), NOBODY, device=device)
    detection_of = torch.full((images, people), NOBODY, device=device)
    taken = ~there
    budget = detected.sum(1)
    matched = torch.zeros(order.shape, dtype=torch.bool, device=device)
    closed = matched.clone()
    every = torch.arange(images, device=device)
    for k, pair in enumerate(order.unbind(1)):
        d, g = pair // max(people, 1), pair % max(people, 1)
        active = both[every, d, g] & ~taken.all(1) & (budget > 0)
        if not bool(active.any()):
            break
        overlaps = near_enough[every, d, g]
        free = (person_of[every, d] == NOBODY) & ~taken[every, g]
        candidate = active & overlaps & free
        rejected = active & ~overlaps
        found = candidate & valid[every, g]
        out = (candidate | rejected) & ~valid[every, g]
        person_of[every[found], d[found]] = g[found]
        detection_of[every[found], g[found]] = d[found]
        taken[every, g] |= found | out
        budget = budget - (found | rejected).to(budget.dtype)
        matched[:, k], closed[:, k] = found, out
    return Matching(person_of, detection_of, detected, there, valid, order, matched, closed)


def spectral_norm(matrix: Tensor) -> Tensor:
    """(…,) largest singular value of (…, N, 2) matrices, from the 2×2 Gram matrix."""
    x, y = matrix.to(torch.float64).unbind(-1)
    xx, yy, xy = (x * x).sum(-1), (y * y).sum(-1), (x * y).sum(-1)
    return ((xx + yy) / 2 + torch.hypot((xx - yy) / 2, xy)).sqrt()


def joint_boxes(joints: Tensor) -> Tensor:
    """(…, 4) float64 x1, y1, x2, y2 around (…, J, 2) joints."""
    points = joints[..., :2].to(torch.float64)
    return torch.cat([points.amin(-2), points.amax(-2)], -1)


def overlap(boxes: Tensor, true_boxes: Tensor) -> Tensor:
    """(B, P, G) intersection over union of (B, P, 4) and (B, G, 4); sides are 1 px longer."""
    one, other = boxes[:, :, None], true_boxes[:, None]
    low = torch.maximum(one[..., :2], other[..., :2])
    high = torch.minimum(one[..., 2:], other[..., 2:])
    shared = (high - low + 1).clamp(min=0).prod(-1)
    areas = [(box[..., 2:] - box[..., :2] + 1).prod(-1) for box in (one, other)]
    return shared / (areas[0] + areas[1] - shared)


def _joints(joints: Tensor, here: Tensor) -> Tensor:
    """(B, N, 24, 2) float64, after checks; padding is zero."""
    if joints.ndim != 4 or joints.shape[2] < JOINTS or joints.shape[3] < 2:
        raise ValueError(
            f"joints must be (images, people, {JOINTS} or more, 2), got {tuple(joints.shape)}."
        )
    _finite(joints[..., :2], here, "joints")
    kept = joints[:, :, :JOINTS, :2].to(torch.float64)
    return torch.where(here[..., None, None], kept, torch.zeros_like(kept))


def _finite(values: Tensor, here: Tensor, name: str) -> None:
    if values.shape[:2] != here.shape:
        raise ValueError(f"{name} must be {tuple(here.shape)} + …, got {tuple(values.shape)}.")
    if not bool(values[here].isfinite().all()):
        raise ValueError(f"{name} must be finite; leave a person without them out.")


def _mask(mask: Tensor | None, joints: Tensor) -> Tensor:
    if mask is None:
        return torch.ones(joints.shape[:2], dtype=torch.bool, device=joints.device)
    if mask.shape != joints.shape[:2]:
        raise ValueError(f"A mask must be {tuple(joints.shape[:2])}, got {tuple(mask.shape)}.")
    return mask.to(device=joints.device, dtype=torch.bool)


def _indices(mask: Tensor) -> list[int]:
    return [int(i) for i in mask.nonzero()[:, 0]]
