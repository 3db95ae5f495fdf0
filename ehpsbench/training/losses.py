"""The losses of SMPLest-X: L1 everywhere, each term a mean over what is labelled, and only that."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ehpsbench.training.augment import Batch
from ehpsbench.training.joints import LEFT_CHAIN, PART_ROOT, PELVIS, RIGHT_CHAIN
from ehpsbench.training.models.prediction import Prediction
from ehpsbench.training.recipe import LossWeights

# rotations (B, 55, 3, 3), betas (B, 10) → joints (B, 55, 3) [m], wherever they stand
Skeleton = Callable[[Tensor, Tensor], Tensor]
FAR = 3.0  # crop half-widths; a projection that strays further pulls no harder


def losses(
    prediction: Prediction, batch: Batch, skeleton: Skeleton, aspect: float
) -> dict[str, Tensor]:
    """Every term before its weight, by the names of `LossWeights`.

    Args:
        prediction: of the network.
        batch: what it should have been.
        skeleton: the neutral body, joints only, differentiable.
        aspect: width / height of the crop.
    """
    joints = skeleton(prediction.rotations, prediction.betas)
    pelvis = joints[:, PELVIS : PELVIS + 1]
    placed = joints - pelvis + prediction.pelvis(batch.tangent, aspect)[:, None]
    return {
        "pose": _masked(prediction.rotations - batch.rotations, batch.rotations_known),
        "root": _masked(
            prediction.rotations[:, 0] - batch.rotations[:, 0], batch.rotations_known[:, 0]
        ),
        "shape": _masked(prediction.betas - batch.betas, batch.betas_known),
        "expression": _masked(prediction.expression - batch.expression, batch.expression_known),
        "joints3d": _root_relative(joints, batch),
        "parts3d": _part_relative(joints, batch),
        "joints2d": _masked(
            _seen(placed, batch) - batch.pixels.clamp(-FAR, FAR), batch.pixels_known
        ),
        "hand_root": _hand_roots(prediction, batch),
        "camera": _camera(prediction, batch, aspect),
    }


def total(terms: Mapping[str, Tensor], weights: LossWeights) -> Tensor:
    """The weighted sum of the terms."""
    return torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()


def _masked(difference: Tensor, known: Tensor) -> Tensor:
    """Mean |difference| over the entries that `known` (its leading axes) allows; 0 if none."""
    mask = known.reshape(*known.shape, *([1] * (difference.ndim - known.ndim)))
    each = torch.where(mask, difference, 0).abs()
    count = known.sum() * (difference[0].numel() / max(known[0].numel(), 1))
    return each.sum() / count.clamp(min=1)


def _root_relative(joints: Tensor, batch: Batch) -> Tensor:
    known = batch.joints_known & batch.joints_known[:, PELVIS : PELVIS + 1]
    found = joints - joints[:, PELVIS : PELVIS + 1]
    return _masked(found - (batch.joints - batch.joints[:, PELVIS : PELVIS + 1]), known)


def _part_relative(joints: Tensor, batch: Batch) -> Tensor:
    """Hands about their wrists, jaw and eyes about the neck; the mean of all of them."""
    found, wanted, known = [], [], []
    for part, root in PART_ROOT:
        found.append(joints[:, part] - joints[:, root : root + 1])
        wanted.append(batch.joints[:, part] - batch.joints[:, root : root + 1])
        known.append(batch.joints_known[:, part] & batch.joints_known[:, root : root + 1])
    return _masked(torch.cat(found, 1) - torch.cat(wanted, 1), torch.cat(known, 1))


def _seen(points: Tensor, batch: Batch) -> Tensor:
    """(B, 55, 3) points of the view → (B, 55, 2) crop coordinates, cut off far outside."""
    homogeneous = points @ batch.camera.transpose(1, 2)
    depth = homogeneous[..., 2:].clamp(min=0.1)
    return (homogeneous[..., :2] / depth).clamp(-FAR, FAR)


def _hand_roots(prediction: Prediction, batch: Batch) -> Tensor:
    """The hands' own root head, and the wrists as the body's chain turns them."""
    known, wanted = batch.hand_root_known, batch.hand_root
    whole = batch.rotations_known[:, :1] & known
    chains = [_chained(prediction.rotations, chain) for chain in (LEFT_CHAIN, RIGHT_CHAIN)]
    through = torch.stack(chains, 1)
    return _masked(prediction.hand_root - wanted, known) + _masked(through - wanted, whole)


def _chained(rotations: Tensor, chain: tuple[int, ...]) -> Tensor:
    product = rotations[:, chain[0]]
    for joint in chain[1:]:
        product = product @ rotations[:, joint]
    return product


def _camera(prediction: Prediction, batch: Batch, aspect: float) -> Tensor:
    """The pelvis in the view, in half heights of the crop at its true depth."""
    known = batch.pixels_known[:, PELVIS] & batch.joints_known[:, PELVIS]
    scale = (batch.joints[:, PELVIS, 2] * batch.tangent).clamp(min=0.1)
    off = prediction.pelvis(batch.tangent, aspect) - batch.joints[:, PELVIS]
    # Depth counts relative to itself: half a metre is much at two metres and little at ten.
    off = torch.stack([off[:, 0], off[:, 1], off[:, 2] * batch.tangent], -1)
    return _masked(off / scale[:, None], known)
