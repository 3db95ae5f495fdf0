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
FAR = 1e-4  # spread of points about their mean, as a share of the mean's distance; squared


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
    a, b = planar(source), planar(target)
    count = torch.full(a.shape[:1], a.shape[-1], dtype=torch.float64, device=a.device)
    mask = None if valid is None else point_mask(source, target, valid)
    if mask is not None:
        count = mask.sum(-1).to(torch.float64)
        a, b = (x.masked_fill(~mask[:, None], 0.0) for x in (a, b))
    divisor = count.clamp(min=1.0)
    mean_a, mean_b = (x.sum(-1) / divisor[:, None] for x in (a, b))
    # a point that is not finite makes its mean so; the SVD must not see it
    finite = (mean_a.isfinite() & mean_b.isfinite()).all(-1)
    if not bool(finite.all()):
        a, b = (x.masked_fill(~finite[:, None, None], 0.0) for x in (a, b))
        mean_a, mean_b = (x.masked_fill(~finite[:, None], 0.0) for x in (mean_a, mean_b))
    (a, origin_a, spread_a), (b, origin_b, spread_b) = (
        _near_origin(x, mean, count, mask) for x, mean in ((a, mean_a), (b, mean_b))
    )
    rest = (count[:, None] * (mean_a - origin_a))[..., None] * (mean_b - origin_b)[:, None]
    scale, rotation = _scale_and_rotation(a @ b.transpose(1, 2) - rest, spread_a)
    defined = finite & (count >= LEAST_POINTS)
    for spread, mean in ((spread_a, mean_a), (spread_b, mean_b)):
        defined = defined & ((spread / divisor).sqrt() > COINCIDENT * mean.abs().amax(-1))
    undefined = torch.where(defined, 0.0, torch.nan).to(scale)
    found = Similarity(
        scale=scale + undefined,
        rotation=rotation + undefined[:, None, None],
        source_mean=mean_a + undefined[:, None],
        target_mean=mean_b + undefined[:, None],
    )
    return _Fitted(found, a, b, origin_a, origin_b)


def _near_origin(
    points: Tensor, mean: Tensor, count: Tensor, mask: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Points less an origin, the origin (B, 3), and the (B,) square sum about their mean.

    Moments about zero are those about the mean plus those of the mean, which are taken off: four
    digits of sixteen are lost where the mean is 100 times as far as the points spread. Farther
    off, the points are moved first.
    """
    total = _square_sum(points)
    far = count * mean.square().sum(-1)
    spread = total - far
    if bool((spread > FAR * far).all()):
        return points, torch.zeros_like(mean), spread
    moved = points - mean[..., None]
    if mask is not None:
        moved = moved.masked_fill_(~mask[:, None], 0.0)
    return moved, mean, _square_sum(moved)


def _square_sum(points: Tensor) -> Tensor:
    """(B,) sum of all squares, without an array of them."""
    norm: Tensor = torch.linalg.vector_norm(points.flatten(1), dim=1)
    return norm.square()


def _scale_and_rotation(products: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
    """(B,) scales and (B, 3, 3) rotations from Σ source ⊗ target; zero spread gives scale 0."""
    u, s, vt = torch.linalg.svd(products)
    # the weakest direction is turned round where the best orthogonal map would be a mirror
    sign = torch.ones_like(s)
    sign[:, 2] = torch.where(torch.linalg.det(u) * torch.linalg.det(vt) < 0, -1.0, 1.0).to(s)
    rotation = (vt.transpose(1, 2) * sign[:, None, :]) @ u.transpose(1, 2)
    scale = (s * sign).sum(1) / torch.where(spread > 0, spread, torch.ones_like(spread))
    return scale, rotation
