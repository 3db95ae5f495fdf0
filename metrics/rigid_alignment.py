"""The similarity that brings one point set nearest to another ("PA", Procrustes alignment)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ehpsbench.metrics.point_error import point_mask

LEAST_POINTS = 3
# Points nearer together than this share of their coordinates are one point: rounding noise of
# float64 is 1e-16, true bodies are 1e-2 and more.
COINCIDENT = 1e-12


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
        centred = points.to(torch.float64) - self.source_mean[:, None, :]
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
        Umeyama 1991, eqs. 34-43. Differs: NaN instead of an exception or a division by zero.
    """
    mask = point_mask(source, target, valid)
    a, b = source.to(torch.float64), target.to(torch.float64)
    finite = (a.isfinite().all(-1) & b.isfinite().all(-1)) | ~mask
    defined = finite.all(-1) & (mask.sum(-1) >= LEAST_POINTS)
    weight = mask.to(torch.float64)[..., None]
    # a zero weight does not remove NaN, so those points are zeroed as well
    a, b = (torch.where(mask[..., None] & defined[:, None, None], x, 0.0) for x in (a, b))
    count = weight.sum(1).clamp(min=1.0)
    mean_a, mean_b = a.sum(1) / count, b.sum(1) / count
    centred_a, centred_b = (a - mean_a[:, None]) * weight, (b - mean_b[:, None]) * weight
    defined = defined & _spread(centred_a, a) & _spread(centred_b, b)
    scale, rotation = _scale_and_rotation(centred_a, centred_b)
    undefined = torch.where(defined, 0.0, torch.nan).to(a)
    return Similarity(
        scale=scale + undefined,
        rotation=rotation + undefined[:, None, None],
        source_mean=mean_a + undefined[:, None],
        target_mean=mean_b + undefined[:, None],
    )


def aligned(source: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """(B, N, 3) `source` brought onto `target`; all points move, `valid` ones are fitted on."""
    return similarity(source, target, valid)(source)


def _spread(centred: Tensor, points: Tensor) -> Tensor:
    """(B,) False where all points are in one place, up to rounding."""
    largest = points.abs().amax((1, 2))
    return centred.abs().amax((1, 2)) > COINCIDENT * largest


def _scale_and_rotation(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Of centred points: (B,) scales and (B, 3, 3) rotations; zero variance gives scale 0."""
    u, s, vt = torch.linalg.svd(source.transpose(1, 2) @ target)
    # the weakest direction is turned round where the best orthogonal map would be a mirror
    sign = torch.ones_like(s)
    sign[:, 2] = torch.where(torch.linalg.det(u) * torch.linalg.det(vt) < 0, -1.0, 1.0).to(s)
    rotation = (vt.transpose(1, 2) * sign[:, None, :]) @ u.transpose(1, 2)
    variance = source.square().sum((1, 2))
    scale = (s * sign).sum(1) / torch.where(variance > 0, variance, torch.ones_like(variance))
    return scale, rotation
