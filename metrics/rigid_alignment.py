"""The similarity that brings one point set nearest to another ("PA", Procrustes alignment)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ehpsbench.metrics.point_error import check_points, millimetres, point_mask
from ehpsbench.metrics.point_pairs import PointPairs


@dataclass(frozen=True, slots=True)
class Similarity:
    """x ↦ scale · rotation · (x − source_mean) + target_mean, one for each instance.

    Attributes:
        scale: (B,).
        rotation: (B, 3, 3), proper (no reflection).
        source_mean: (B, 3) [m].
        target_mean: (B, 3) [m].
    """

    scale: Tensor
    rotation: Tensor
    source_mean: Tensor
    target_mean: Tensor

    @property
    def translation(self) -> Tensor:
        """(B, 3) t of x ↦ scale · rotation · x + t [m]."""
        turned = torch.einsum("bij,bj->bi", self.rotation, self.source_mean)
        return self.target_mean - self.scale[:, None] * turned

    def __call__(self, points: Tensor) -> Tensor:
        """(B, N, 3) points, moved; float64."""
        centred = points.detach().to(torch.float64) - self.source_mean[:, None, :]
        turned = torch.einsum("bij,bnj->bni", self.rotation, centred)
        return self.scale[:, None, None] * turned + self.target_mean[:, None, :]


def similarity(source: Tensor, target: Tensor, valid: Tensor | None = None) -> Similarity:
    """The least-squares similarity from `source` to `target`, without reflection.

    Args:
        source: (B, N, 3) points [m].
        target: (B, N, 3) the same points, true [m].
        valid: (B, N) which points to fit on; None: all.

    Returns:
        One similarity for each instance, float64; NaN where it is not defined: fewer than 3
        valid points, a valid point that is not finite, or all points of one set in one place.

    Raises:
        ValueError: the shapes do not fit.

    Source:
        Umeyama 1991, eqs. 34-43: the same least squares. Differs: the rotation as the unit
        quaternion of Horn 1987, which is never a mirror; NaN instead of an exception or a
        division by zero.
    """
    check_points(source, target)
    fitted = None if valid is None else point_mask(source, target, valid)
    rows = PointPairs(source, target).similarity(fitted)
    scale, rotation, source_mean, target_mean = torch.split(rows, [1, 9, 3, 3], dim=1)
    return Similarity(scale[:, 0], rotation.view(-1, 3, 3), source_mean, target_mean)


def aligned(source: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """(B, N, 3) `source` brought onto `target`; all points move, `valid` ones are fitted on."""
    return similarity(source, target, valid)(source)


def aligned_error(
    source: Tensor, target: Tensor, valid: Tensor | None = None, counted: Tensor | None = None
) -> Tensor:
    """Mean distance after the similarity was fitted.

    Args:
        source: (B, N, 3) points [m].
        target: (B, N, 3) the same points, true [m].
        valid: (B, N) which points to fit on; None: all.
        counted: (B, N) which of them enter the mean; None: all of them.

    Returns:
        (B,) float64 [mm]; NaN where no similarity is defined or no point counts.

    Raises:
        ValueError: the shapes do not fit.
    """
    check_points(source, target)
    fitted = None if valid is None else point_mask(source, target, valid)
    mask = fitted
    if counted is not None:
        mask = point_mask(source, target, counted)
        mask = mask if fitted is None else mask & fitted
    pairs = PointPairs(source, target)
    (found,) = pairs.distances(aligned=True, counted=mask, fitted=fitted)
    return millimetres(found)
