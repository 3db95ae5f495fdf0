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
FAR = 1e-4  # square of 1e-2: RMS spread about the mean, as a share of the mean's distance from 0


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
    """A similarity, and the (B, 3, N) point sets that it was fitted on, less an origin of each.

    The origins are zero, unless points lie so far from zero that moments about it lose digits.
    """

    similarity: Similarity
    source: Tensor
    target: Tensor
    source_origin: Tensor
    target_origin: Tensor


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
    difference = torch.baddbmm(fitted.target, moving, fitted.source, beta=-1)
    source_mean = found.source_mean - fitted.source_origin
    target_mean = found.target_mean - fitted.target_origin
    difference += target_mean[..., None] - moving @ source_mean[..., None]
    scored = valid if counted is None else counted
    if scored is None:
        return mean_length(difference)
    scored = point_mask(source, target, scored)
    if valid is not None and counted is not None:
        scored = scored & point_mask(source, target, valid)
    return mean_length(difference, scored)


def _fitted(source: Tensor, target: Tensor, valid: Tensor | None) -> _Fitted:
    check_points(source, target)
    sets = planar(source), planar(target)
    mask = None if valid is None else point_mask(source, target, valid)
    count = torch.full(sets[0].shape[:1], sets[0].shape[-1], dtype=torch.float64).to(sets[0])
    if mask is not None:
        count = mask.sum(-1).to(torch.float64)
        sets = _where(sets, mask[:, None])
    means, squares = _moments(sets, count)
    # a point that is not finite makes its mean so; the SVD must not see it
    finite = means.isfinite().all(-1).all(0)
    if not bool(finite.all()):
        sets = _where(sets, finite[:, None, None])
        means, squares = _moments(sets, count)
    # Moments about zero are those about the mean plus those of the mean, which are taken off: four
    # digits of sixteen are lost where the mean is 100 times as far as the points spread. Farther
    # off, the points are moved first.
    far = count * means.square().sum(-1)
    spread, origins = squares - far, torch.zeros_like(means)
    if not bool((spread > FAR * far).all()):
        sets, origins = _moved(sets, means, mask), means
        spread = torch.stack([_square_sum(points) for points in sets])
    left = means - origins
    products = sets[0] @ sets[1].transpose(1, 2)
    products -= (count[:, None] * left[0])[..., None] * left[1][:, None]
    scale, rotation = _scale_and_rotation(products, spread[0])
    apart = (spread / count.clamp(min=1.0)).sqrt() > COINCIDENT * means.abs().amax(-1)
    defined = finite & (count >= LEAST_POINTS) & apart.all(0)
    undefined = torch.zeros_like(scale).masked_fill_(~defined, torch.nan)
    means = means + undefined[:, None]
    found = Similarity(scale + undefined, rotation + undefined[:, None, None], means[0], means[1])
    return _Fitted(found, *sets, origins[0], origins[1])


def _where(sets: tuple[Tensor, Tensor], keep: Tensor) -> tuple[Tensor, Tensor]:
    """Both sets with zeros where `keep` is False."""
    return sets[0].masked_fill(~keep, 0.0), sets[1].masked_fill(~keep, 0.0)


def _moved(
    sets: tuple[Tensor, Tensor], means: Tensor, mask: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Both sets (B, 3, N) less their means (2, B, 3); points that do not count stay zero."""
    moved = sets[0] - means[0][..., None], sets[1] - means[1][..., None]
    return moved if mask is None else _where(moved, mask[:, None])


def _moments(sets: tuple[Tensor, Tensor], count: Tensor) -> tuple[Tensor, Tensor]:
    """(2, B, 3) means of both sets, and (2, B) sums of squares."""
    sums = torch.stack([points.sum(-1) for points in sets])
    return sums / count.clamp(min=1.0)[:, None], torch.stack([_square_sum(p) for p in sets])


def _square_sum(points: Tensor) -> Tensor:
    """(B,) sum of all squares, without an array of them."""
    norm: Tensor = torch.linalg.vector_norm(points.flatten(1), dim=1)
    return norm.square()


def _scale_and_rotation(products: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
    """(B,) scales and (B, 3, 3) rotations from Σ source ⊗ target; zero spread gives scale 0."""
    u, s, vt = torch.linalg.svd(products)
    # the weakest direction is turned round where the best orthogonal map would be a mirror
    sign = torch.ones_like(s)
    sign[:, 2] = torch.where(torch.linalg.det(u @ vt) < 0, -1.0, 1.0)
    rotation = (vt.transpose(1, 2) * sign[:, None, :]) @ u.transpose(1, 2)
    scale = (s * sign).sum(1) / torch.where(spread > 0, spread, 1.0)
    return scale, rotation
