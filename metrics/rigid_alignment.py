"""The similarity that brings one point set nearest to another ("PA", Procrustes alignment)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ehpsbench.metrics.point_error import check_points, millimetres, point_mask
from ehpsbench.metrics.point_pairs import PointPairs

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
class Moments:
    """What the fit needs to know of B instances, which may be worked out apart from one another.

    Attributes:
        means: (2, B, 3) of source and target [m].
        spread: (2, B) sums of the squared distances from them [m²].
        products: (B, 3, 3) Σ source ⊗ target of what remains [m²].
        count: (B,) points.
    """

    means: Tensor
    spread: Tensor
    products: Tensor
    count: Tensor

    @classmethod
    def of(cls, points: PointPairs, fitted: Tensor | None = None) -> Moments:
        """Of points, of which (B, N) are fitted on; None: all."""
        rows = points.moments(fitted)
        count, source, target, spread, products = torch.split(rows, [1, 3, 3, 2, 9], dim=1)
        means = torch.stack([source, target])
        return cls(means, spread.T, products.view(-1, 3, 3), count[:, 0])

    def similarity(self) -> Similarity:
        """The best one; NaN where it is not defined."""
        # a point that is not finite makes its person's spread so; no solver must see it
        finite = self.spread.isfinite().all(0)
        products = self.products.masked_fill(~finite[:, None, None], 0.0)
        largest, rotation = _rotation(products)
        apart = (self.spread / self.count.clamp(min=1.0)).sqrt_()
        apart = (apart > COINCIDENT * self.means.abs().amax(-1)).all(0)
        undefined = ~(finite & apart & (self.count >= LEAST_POINTS))
        scale = (largest / self.spread[0]).masked_fill_(undefined, torch.nan)
        rotation.masked_fill_(undefined[:, None, None], torch.nan)
        return Similarity(scale, rotation, *self.means.masked_fill(undefined[:, None], torch.nan))


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
    return Moments.of(PointPairs(source, target), fitted).similarity()


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
    return millimetres(residual(PointPairs(source, target), fitted, mask))


def residual(
    points: PointPairs, fitted: Tensor | None = None, counted: Tensor | None = None
) -> Tensor:
    """Mean distance after the similarity of some points was fitted.

    Args:
        points: of B people.
        fitted: (B, N) which of them it is fitted on; None: all.
        counted: (B, N) which of them enter the mean; None: all.

    Returns:
        (B,) float64 [m], for `millimetres`.
    """
    fit = Moments.of(points, fitted).similarity()
    moving = fit.scale[:, None, None] * fit.rotation
    return points.residual(moving, torch.stack([fit.source_mean, fit.target_mean]), counted)


def _rotation(products: Tensor) -> tuple[Tensor, Tensor]:
    """(B,) scale times the source's spread and (B, 3, 3) rotation that fit (B, 3, 3) products.

    The rotation's quaternion maximises a quadratic form, Horn 1987: the eigenvector of its
    greatest eigenvalue.
    """
    form = products.flatten(1) @ _FORM.to(products.device)
    values, vectors = torch.linalg.eigh(form.view(-1, 4, 4))
    quaternion = vectors[:, :, 3]
    pairs = (quaternion[:, :, None] * quaternion[:, None]).flatten(1)
    return values[:, 3], (pairs @ _TURN.to(products.device)).view(-1, 3, 3)


def _forms(products: Tensor) -> Tensor:
    """(B, 4, 4) quadratic forms of quaternions (w, x, y, z) for (B, 3, 3) products."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = (row.unbind(-1) for row in products.unbind(1))
    rows = (
        (xx + yy + zz, yz - zy, zx - xz, xy - yx),
        (yz - zy, xx - yy - zz, xy + yx, zx + xz),
        (zx - xz, xy + yx, yy - xx - zz, yz + zy),
        (xy - yx, zx + xz, yz + zy, zz - xx - yy),
    )
    return torch.stack([torch.stack(row, -1) for row in rows], 1)


def _turns(pairs: Tensor) -> Tensor:
    """(B, 3, 3) rotations of unit quaternions, of which (B, 4, 4) all products are given."""
    (ww, wx, wy, wz), (_, xx, xy, xz), (_, _, yy, yz), (_, _, _, zz) = (
        row.unbind(-1) for row in pairs.unbind(1)
    )
    rows = (
        (ww + xx - yy - zz, 2 * (xy - wz), 2 * (xz + wy)),
        (2 * (xy + wz), ww - xx + yy - zz, 2 * (yz - wx)),
        (2 * (xz - wy), 2 * (yz + wx), ww - xx - yy + zz),
    )
    return torch.stack([torch.stack(row, -1) for row in rows], 1)


# Both are linear in what they are given: one product of matrices in place of 30 small sums.
_FORM = _forms(torch.eye(9, dtype=torch.float64).view(9, 3, 3)).flatten(1)
_TURN = _turns(torch.eye(16, dtype=torch.float64).view(16, 4, 4)).flatten(1)
