"""The similarity that brings one point set nearest to another ("PA", Procrustes alignment)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ehpsbench.metrics.point_error import check_points, mean_length, planar, point_mask

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
        centred = points.detach().to(torch.float64) - self.source_mean[:, None, :]
        turned = torch.einsum("bij,bnj->bni", self.rotation, centred)
        return self.scale[:, None, None] * turned + self.target_mean[:, None, :]


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A similarity, and the (B, 3, N) point sets that it was fitted on, less their means."""

    similarity: Similarity
    source: Tensor
    target: Tensor


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
    return _fitted(source, target, valid).similarity


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
    fitted = _fitted(source, target, valid)
    found = fitted.similarity
    moving = found.scale[:, None, None] * found.rotation
    difference = fitted.target.baddbmm_(moving, fitted.source, beta=-1)
    scored = valid if counted is None else counted
    if scored is None:
        return mean_length(difference)
    scored = point_mask(source, target, scored)
    if valid is not None and counted is not None:
        scored = scored & point_mask(source, target, valid)
    return mean_length(difference, scored)


def _fitted(source: Tensor, target: Tensor, valid: Tensor | None) -> _Fitted:
    check_points(source, target)
    mask = None if valid is None else point_mask(source, target, valid)
    centred, means, count = _centred(planar(source), planar(target), mask)
    spread = torch.linalg.vector_norm(centred.flatten(2), dim=2).square()
    # a point that is not finite makes its person's spread so; the SVD must not see it
    finite = spread.isfinite().all(0)
    products = (centred[0] @ centred[1].transpose(1, 2)).masked_fill_(~finite[:, None, None], 0.0)
    scale, rotation = _scale_and_rotation(products, spread[0])
    apart = (spread / count.clamp(min=1.0)).sqrt() > COINCIDENT * means.abs().amax(-1)
    undefined = ~(finite & (count >= LEAST_POINTS) & apart.all(0))
    scale.masked_fill_(undefined, torch.nan)
    rotation.masked_fill_(undefined[:, None, None], torch.nan)
    means.masked_fill_(undefined[:, None], torch.nan)
    return _Fitted(Similarity(scale, rotation, *means), *centred)


def _centred(source: Tensor, target: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Both (B, 3, N) sets less their means, in one (2, B, 3, N); (2, B, 3) means; (B,) counts.

    Points that do not count are zero. Moments about the mean keep all digits however far off the
    points lie, and the difference after the fit needs no translation.
    """
    sets, count = (source, target), source.new_full((len(source),), source.shape[-1])
    if mask is not None:
        count = mask.sum(-1).to(source)
        sets = source.masked_fill(~mask[:, None], 0.0), target.masked_fill(~mask[:, None], 0.0)
    means = torch.stack([points.sum(-1) for points in sets]) / count.clamp(min=1.0)[:, None]
    centred = source.new_empty((2, *source.shape))
    for points, mean, moved in zip(sets, means, centred, strict=True):
        torch.sub(points, mean[..., None], out=moved)
    if mask is not None:
        centred.masked_fill_(~mask[:, None], 0.0)
    return centred, means, count


def _scale_and_rotation(products: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
    """(B,) scales and (B, 3, 3) rotations from Σ source ⊗ target; zero spread gives scale 0."""
    u, s, vt = torch.linalg.svd(products)
    # the weakest direction is turned round where the best orthogonal map would be a mirror
    sign = torch.ones_like(s)
    sign[:, 2] -= 2.0 * (_handedness(u) != _handedness(vt))
    rotation = (vt.transpose(1, 2) * sign[:, None, :]) @ u.transpose(1, 2)
    scale = (s * sign).sum(1) / torch.where(spread > 0, spread, 1.0)
    return scale, rotation


def _handedness(axes: Tensor) -> Tensor:
    """(B,) True where (B, 3, 3) orthogonal rows are a right-handed frame."""
    third: Tensor = torch.linalg.cross(axes[:, 0], axes[:, 1])
    return (third * axes[:, 2]).sum(-1) > 0
