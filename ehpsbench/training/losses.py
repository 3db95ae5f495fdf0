"""The losses of SMPLest-X: L1 everywhere, each term a mean over what is labelled, and only that."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor

from ehpsbench.training import virtual_camera
from ehpsbench.training.augment import Batch
from ehpsbench.training.joints import LEFT_CHAIN, LEFT_HAND, PART_ROOT, PELVIS, RIGHT_CHAIN
from ehpsbench.training.models.prediction import Prediction
from ehpsbench.training.recipe import LossWeights
from ehpsbench.training.rotations import chained

# rotations (B, 55, 3, 3), betas (B, 10) → joints (B, 55, 3) [m], wherever they stand
Skeleton = Callable[[Tensor, Tensor], Tensor]
CHAINS = (LEFT_CHAIN, RIGHT_CHAIN)
FINGERS = LEFT_HAND.start  # all joints from here on are fingers
HAND = LEFT_HAND.stop - LEFT_HAND.start
NEAR = 0.1  # m; nothing is projected from nearer
FAR = 3.0  # crop half-widths; a projection that strays further pulls no harder


def known(batch: Batch) -> dict[str, Tensor]:
    """For each mean that is taken: which of its entries are labelled; from the labels alone."""
    joints = batch.joints_known
    parts = [joints[:, part] & joints[:, root : root + 1] for part, root in PART_ROOT]
    return {
        "pose": batch.rotations_known,
        "root": batch.rotations_known[:, 0],
        "shape": batch.betas_known,
        "expression": batch.expression_known,
        "joints3d": joints & joints[:, PELVIS : PELVIS + 1],
        "parts3d": torch.cat(parts, 1),
        "joints2d": batch.pixels_known & ~hands_alone(batch).any(1)[:, None],
        "hand_root": batch.hand_root_known,
        "wrists": batch.rotations_known[:, :1] & batch.hand_root_known,
        "camera": batch.pixels_known[:, PELVIS] & joints[:, PELVIS],
    }


def hands_alone(batch: Batch) -> Tensor:
    """(B, 2) hands whose root is labelled in a row without a body."""
    return batch.hand_root_known & ~batch.rotations_known[:, :1]


def counts(batch: Batch) -> dict[str, Tensor]:
    """How many entries of each mean are labelled."""
    return {name: mask.sum() for name, mask in known(batch).items()}


def losses(
    prediction: Prediction,
    batch: Batch,
    skeleton: Skeleton,
    aspect: float,
    whole: Mapping[str, Tensor] | None = None,
    *,
    camera: Literal["view", "virtual"] = "view",
) -> dict[str, Tensor]:
    """Every term before its weight, by the names of `LossWeights`; a head's `own_losses` are apart.

    A row pulls only at what it labels. Two kinds of rows need more than a mask, since a joint
    hangs on all the joints before it. A row of a hand alone teaches that hand about its wrist, and
    not where the hand is seen: that would turn a body which nobody has labelled. A row of 2D
    keypoints alone teaches no shape: without a length in metres, size and distance are one.

    Args:
        prediction: of the network.
        batch: what it should have been.
        skeleton: the neutral body, joints only, differentiable.
        aspect: width / height of the crop.
        whole: `counts` of the batch that this one is a piece of, so that the terms of all pieces
            add up to those of the batch; default: this batch is whole.
        camera: what the 2D term looks through: the crop's own camera, or SMPLer-X's virtual one.
    """
    masks = known(batch)
    joints = skeleton(*_taught(prediction, batch))
    rotations = prediction.rotations - batch.rotations
    differences = {
        "pose": rotations,
        "root": rotations[:, 0],
        "shape": prediction.betas - batch.betas,
        "expression": prediction.expression - batch.expression,
        "joints3d": _from_root(joints) - _from_root(batch.joints),
        "parts3d": _own_wrists(joints, prediction, batch) - _from_parts(batch.joints),
        "joints2d": prediction.off(
            _seen(joints, prediction, batch, aspect, camera),
            batch.pixels.clamp(-FAR, FAR),
            masks["joints2d"],
        ),
        "hand_root": prediction.hand_root - batch.hand_root,
        "wrists": _through_arms(prediction) - batch.hand_root,
        "camera": _camera(prediction, batch, aspect),
    }
    divisors = whole if whole is not None else {n: mask.sum() for n, mask in masks.items()}
    terms = {n: _masked(d, masks[n], divisors[n]) for n, d in differences.items()}
    # Of the hands' own root head, and of the wrists as the body's chain turns them.
    terms["hand_root"] = terms["hand_root"] + terms.pop("wrists")
    return terms


def total(terms: Mapping[str, Tensor], weights: LossWeights) -> Tensor:
    """The weighted sum of the terms; one that weighs nothing may be no number."""
    weighed = [getattr(weights, n) * term for n, term in terms.items() if getattr(weights, n)]
    return torch.stack(weighed or [0 * term for term in terms.values()]).sum()


def _masked(difference: Tensor, known: Tensor, count: Tensor) -> Tensor:
    """Sum of |difference| where `known` (its leading axes) allows, over `count` such entries."""
    mask = known.reshape(*known.shape, *([1] * (difference.ndim - known.ndim)))
    each = torch.where(mask, difference, 0).abs()
    return each.sum() / (count.clamp(min=1) * math.prod(difference.shape[known.ndim :]))


def _from_root(joints: Tensor) -> Tensor:
    return joints - joints[:, PELVIS : PELVIS + 1]


def _from_parts(joints: Tensor) -> Tensor:
    """Hands from their wrists, jaw and eyes from the neck."""
    return torch.cat([joints[:, part] - joints[:, root : root + 1] for part, root in PART_ROOT], 1)


def _taught(prediction: Prediction, batch: Batch) -> tuple[Tensor, Tensor]:
    """Rotations and betas for the joints, without gradient in what a row cannot teach."""
    hands_only = hands_alone(batch).any(1)
    still = torch.where(
        hands_only[:, None, None, None], prediction.rotations.detach(), prediction.rotations
    )
    rotations = torch.cat([still[:, :FINGERS], prediction.rotations[:, FINGERS:]], 1)
    unmeasured = hands_only | ~batch.joints_known.any(1)
    betas = torch.where(unmeasured[:, None], prediction.betas.detach(), prediction.betas)
    return rotations, betas


def _own_wrists(joints: Tensor, prediction: Prediction, batch: Batch) -> Tensor:
    """The parts from their roots; a hand alone is seen from its wrist, not turned by its arm."""
    parts = _from_parts(joints)
    turn = batch.hand_root @ _through_arms(prediction).detach().transpose(-1, -2)
    hands = parts[:, : 2 * HAND].reshape(-1, 2, HAND, 3)
    alone = hands_alone(batch)[..., None, None]
    hands = torch.where(alone, hands @ turn.transpose(-1, -2), hands)
    return torch.cat([hands.flatten(1, 2), parts[:, 2 * HAND :]], 1)


def _seen(
    joints: Tensor, prediction: Prediction, batch: Batch, aspect: float, camera: str
) -> Tensor:
    """(B, 55, 2) crop coordinates of the predicted joints, cut off far outside."""
    matrix, tangent = batch.camera, batch.tangent
    if camera == "virtual":
        matrix = virtual_camera.matrix(joints, aspect)
        tangent = torch.full_like(tangent, virtual_camera.TANGENT)
    placed = _from_root(joints) + prediction.pelvis(tangent, aspect)[:, None]
    homogeneous = placed @ matrix.transpose(1, 2)
    depth = homogeneous[..., 2:].clamp(min=NEAR)
    return (homogeneous[..., :2] / depth).clamp(-FAR, FAR)


def _through_arms(prediction: Prediction) -> Tensor:
    """(B, 2, 3, 3) wrists in the view, as the body's chain turns them."""
    return torch.stack([chained(prediction.rotations, chain) for chain in CHAINS], 1)


def _camera(prediction: Prediction, batch: Batch, aspect: float) -> Tensor:
    """(B, 3) error of the pelvis in the view, in half heights of the crop at its true depth."""
    scale = (batch.joints[:, PELVIS, 2] * batch.tangent).clamp(min=0.1)
    off = prediction.pelvis(batch.tangent, aspect) - batch.joints[:, PELVIS]
    # Depth counts relative to itself: half a metre is much at two metres and little at ten.
    off = torch.stack([off[:, 0], off[:, 1], off[:, 2] * batch.tangent], -1)
    return off / scale[:, None]
