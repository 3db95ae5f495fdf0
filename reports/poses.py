"""Poses of datasets beside those of the benchmarks: a map of two directions, spread, nearness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ehpsbench.geometry import rotation_matrix

Floats = NDArray[np.float64]

JOINTS = 21
ENTRIES = 9 * JOINTS  # of their rotation matrices
MIDDLE = (0.02, 0.98)  # quantiles that the map spans
MARGIN = 0.15  # of that span around it


@dataclass(frozen=True, slots=True)
class PoseMap:
    """Two directions in which the poses of all differ most.

    Attributes:
        mean: (189,) of the rotation matrices of all.
        directions: (189, 2).
        low: (2,) where the map begins.
        high: (2,) where it ends.
        explained: share of the variance that it shows.
    """

    mean: Floats
    directions: Floats
    low: Floats
    high: Floats
    explained: float

    def places(self, poses: Floats) -> Floats:
        """(n, 2) of (n, 189) matrices on the map, 0 to 1; those outside stand at its border."""
        found = (poses - self.mean) @ self.directions
        return np.asarray(np.clip((found - self.low) / (self.high - self.low), 0, 1))


def matrices(poses: Floats) -> Floats:
    """(n, 63) axis-angle [rad] → (n, 189) entries of the joints' rotation matrices."""
    turned = rotation_matrix(poses.reshape(len(poses), JOINTS, 3))
    return np.asarray(turned.reshape(len(poses), ENTRIES))


def pose_map(sets: Sequence[Floats]) -> PoseMap | None:
    """The map of several sets of (n, 189) matrices, each as important; None of too few."""
    known = [poses for poses in sets if len(poses) > 1]
    if not known:
        return None
    mean = np.mean([one.mean(0) for one in known], axis=0)
    spread = np.mean([(one - mean).T @ (one - mean) / len(one) for one in known], axis=0)
    variance, directions = np.linalg.eigh(spread)
    directions = directions[:, [-1, -2]]
    signs = np.sign(directions[np.abs(directions).argmax(0), [0, 1]])
    directions = directions * signs
    places = np.concatenate([(one - mean) @ directions for one in known])
    low, high = np.quantile(places, MIDDLE, axis=0)
    margin = np.maximum(MARGIN * (high - low), 1e-6)
    share = float(variance[-2:].sum() / max(variance.sum(), 1e-12))
    return PoseMap(mean, directions, low - margin, high + margin, share)


def spread(poses: Floats) -> float:
    """Typical angle between a joint of (n, 189) poses and its own mean [°]; NaN of nobody."""
    if not len(poses):
        return float("nan")
    return _angle(float(((poses - poses.mean(0)) ** 2).sum(1).mean()))


def nearness(wanted: Floats, poses: Floats) -> float:
    """Median over the wanted poses of the angle a joint to the nearest of `poses` [°].

    Args:
        wanted: (n, 189) matrices, such as a benchmark's.
        poses: (m, 189) of a training set.

    Returns:
        NaN where one of the two is empty.
    """
    if not len(wanted) or not len(poses):
        return float("nan")
    a, b = wanted.astype(np.float32), poses.astype(np.float32)
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return _angle(float(np.median(squared.min(1))))


def _angle(squared: float) -> float:
    """The one angle [°] by which all joints differ at a squared distance of their matrices.

    Two rotations that are θ apart differ by 8 sin²(θ/2) in the sum of squares of their entries.
    """
    half = np.sqrt(np.clip(squared / (8 * JOINTS), 0, 1))
    return float(np.degrees(2 * np.arcsin(half)))
