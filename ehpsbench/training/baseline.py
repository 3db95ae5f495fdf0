"""The mean-pose baseline: one body for every crop, the mean of what a training set labels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ehpsbench.training.estimate import Estimate
from ehpsbench.training.joints import JOINTS
from ehpsbench.training.models.network import Network
from ehpsbench.training.models.prediction import SPAN, standing
from ehpsbench.training.targets import Targets

Floats = NDArray[np.float64]


def mean_pose(targets: Targets) -> Estimate:
    """One body: the mean of the labelled rotations, shapes, expressions and boxes.

    A joint that is never labelled is as a standing body has it.
    """
    start = standing().double().numpy()
    rotations = np.stack(
        [
            _mean_rotation(targets.rotations[known, joint], start[joint])
            for joint, known in enumerate(targets.rotations_known.T)
        ]
    )
    return Estimate(
        rotations=rotations[None],
        betas=_mean(targets.betas, targets.betas_known),
        expression=_mean(targets.expression, targets.expression_known),
        camera=_mean_camera(targets),
    )


def start_from(network: Network, targets: Targets) -> None:
    """Let a network's answers begin at the mean pose, so that its budget goes into the images."""
    mean = mean_pose(targets)
    rotations = np.concatenate([mean.rotations[0], mean_hand_roots(targets)])
    arrays = (rotations, mean.betas[0], mean.expression[0], mean.camera[0])
    network.start_at(*(torch.as_tensor(values, dtype=torch.float32) for values in arrays))


def mean_hand_roots(targets: Targets) -> Floats:
    """(2, 3, 3) mean of the labelled wrists in the view; a standing body's where there is none."""
    start = standing()[JOINTS:].double().numpy()
    known = targets.hand_root_known.T
    return np.stack(
        [_mean_rotation(targets.hand_root[k, side], start[side]) for side, k in enumerate(known)]
    )


def _mean_rotation(matrices: NDArray[np.float32], start: Floats) -> Floats:
    """The rotation nearest to the mean of (K, 3, 3) matrices; `start` of none."""
    if not len(matrices):
        return start
    u, _, v = np.linalg.svd(matrices.astype(np.float64).mean(0))
    u[:, 2] *= np.linalg.det(u @ v)
    return np.asarray(u @ v)


def _mean(values: NDArray[np.float32], known: NDArray[np.bool_]) -> Floats:
    if not known.any():
        return np.zeros((1, values.shape[1]))
    return np.asarray(values[known].astype(np.float64).mean(0, keepdims=True))


def _mean_camera(targets: Targets) -> Floats:
    """(1, 3) mean size and place of the pelvis in the crop."""
    known = targets.pixels_known[:, 0] & targets.joints_known[:, 0]
    if not known.any():
        return np.zeros((1, 3))
    pelvis = targets.joints[known, 0].astype(np.float64)
    seen = (targets.camera[known] @ pelvis[..., None])[..., 0]
    span = np.log(2 * pelvis[:, 2] * targets.tangent[known] / SPAN)
    camera = np.stack([span, seen[:, 0] / seen[:, 2], seen[:, 1] / seen[:, 2]], 1)
    return np.asarray(camera.mean(0, keepdims=True))
