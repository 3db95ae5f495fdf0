"""A synthetic space of hand poses: no captured set is free, so fingers curl and spread by rule."""

from __future__ import annotations

import numpy as np

from open_body.source import Array

_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_SPREAD = {"index": 1.0, "middle": 0.2, "pinky": -1.0, "ring": -0.4}
_SAMPLES = 20_000


def left_hand_space() -> tuple[Array, Array]:
    """Relaxed mean (45,) and components (45,45), rows orthonormal, of the left hand [rad]."""
    rng = np.random.default_rng(22)
    poses = _left_poses(rng, _SAMPLES) + 0.01 * rng.standard_normal((_SAMPLES, 45))
    mean = _left_poses(rng, 1, relaxed=True)[0]
    poses = poses - poses.mean(axis=0)
    _, axes = np.linalg.eigh(poses.T @ poses)
    components = axes[:, ::-1].T
    largest = np.take_along_axis(components, np.abs(components).argmax(1)[:, None], 1)
    return mean, components * np.sign(largest)


def right(values: Array) -> Array:
    """The mirror image of left-hand axis-angles (…,45)."""
    return np.asarray(
        (values.reshape(*values.shape[:-1], 15, 3) * [1, -1, -1]).reshape(values.shape)
    )


def _left_poses(rng: np.random.Generator, count: int, relaxed: bool = False) -> Array:
    """(N,45): in the left T-pose fingers point to +x, the palm looks to −y: curling is about −z."""
    noise = 0.0 if relaxed else 1.0
    fist = np.full(count, 0.3) if relaxed else 1.3 * rng.beta(1.2, 2.0, count)
    spread = 0.08 + noise * 0.12 * rng.standard_normal(count)
    poses = np.zeros((count, 15, 3))
    for number, finger in enumerate(_FINGERS):
        own = noise * rng.standard_normal((count, 3)) * [0.20, 0.12, 0.08]
        if finger == "thumb":
            curl = 0.5 * fist + own[:, 0]
            poses[:, 12] = np.stack([0.25 * curl, -0.35 * curl + own[:, 1], -0.30 * curl], axis=1)
            poses[:, 13] = np.stack([0.1 * curl, -0.6 * curl, -0.2 * curl], axis=1)
            poses[:, 14] = np.stack([0.1 * curl, -0.7 * curl, -0.2 * curl], axis=1)
            continue
        late = {"index": 0.85, "middle": 1.0, "ring": 1.1, "pinky": 1.15}[finger]
        curl = np.clip(late * fist + own[:, 0], -0.15, 1.5)
        poses[:, 3 * number, 2] = -curl
        poses[:, 3 * number, 1] = -_SPREAD[finger] * spread * (1 - curl / 1.6)
        poses[:, 3 * number + 1, 2] = -1.1 * curl + own[:, 1]
        poses[:, 3 * number + 2, 2] = -0.7 * curl + own[:, 2]
    return poses.reshape(count, 45)
