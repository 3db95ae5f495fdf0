"""Distances of corresponding points on devices that run no machine code of ours, by torch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


def mean_distance(
    pred: Tensor, true: Tensor, counted: Tensor | None, shift: Tensor | None
) -> Tensor:
    """(B,) mean |pred − shift − true| of (B, N, 3) float64 points."""
    away = pred - true
    return _mean(away if shift is None else away - shift[:, None], counted)


def residual(pred: Tensor, true: Tensor, fit: Tensor, counted: Tensor | None) -> Tensor:
    """(B,) mean distance after similarities (B, 16), as `similarity` gives them."""
    return _mean(_left(pred, true, fit), counted)


def similarity(pred: Tensor, true: Tensor, fitted: Tensor | None) -> Tensor:
    """(B, 16) scale, rotation (9) and both means (3 each) of the best similarities; NaN for none.

    The rotation's quaternion maximises a quadratic form, Horn 1987: the eigenvector of its
    greatest eigenvalue, which is the scale times the spread of the predicted points.
    """
    from ehpsbench.metrics.similarity_kernels import COINCIDENT, LEAST_POINTS

    found = _moments(pred, true, fitted)
    # a point that is not finite makes its person's spread so; no solver must see it
    finite = found.spread.isfinite().all(0)
    products = found.products.masked_fill(~finite[:, None, None], 0.0)
    values, vectors = torch.linalg.eigh(_forms(products))
    apart = (found.spread / found.count.clamp(min=1.0)).sqrt()
    apart = (apart > COINCIDENT * found.means.abs().amax(-1)).all(0)
    defined = finite & apart & (found.count >= LEAST_POINTS)
    scale = (values[:, 3] / found.spread[0])[:, None]
    rows = torch.cat([scale, _turns(vectors[:, :, 3]).flatten(1), *found.means], 1)
    return rows.where(defined[:, None], torch.nan)


def point_sums(
    pred: Tensor, true: Tensor, shift: Tensor | None, counted: Tensor | None
) -> tuple[Tensor, Tensor]:
    """(2, N) summed distances of each point and of how many people, after a shift and aligned."""
    fit = similarity(pred, true, None)
    away = pred - true if shift is None else pred - true - shift[:, None]
    sums, counts = [], []
    for vectors in (away, _left(pred, true, fit)):
        lengths = torch.linalg.vector_norm(vectors, dim=-1)
        if counted is not None:
            lengths = lengths.masked_fill(~counted, 0.0)
        whole = lengths.sum(1).isfinite()
        mask = torch.ones_like(lengths, dtype=torch.bool) if counted is None else counted
        sums.append(lengths[whole].sum(0))
        counts.append(mask[whole].sum(0))
    return torch.stack(sums), torch.stack(counts)


@dataclass(frozen=True, slots=True)
class _Moments:
    """What a fit needs to know of B people.

    Attributes:
        count: (B,) points.
        means: (2, B, 3) of source and target [m].
        spread: (2, B) sums of the squared distances from them [m²].
        products: (B, 3, 3) Σ source ⊗ target of what remains [m²].
    """

    count: Tensor
    means: Tensor
    spread: Tensor
    products: Tensor


def _moments(pred: Tensor, true: Tensor, fitted: Tensor | None) -> _Moments:
    weight = torch.ones_like(pred[..., 0]) if fitted is None else fitted.to(pred)
    count = weight.sum(1)
    mask = weight[..., None] > 0
    means, about = [], []
    for points in (pred, true):
        mean = points.where(mask, 0.0).sum(1) / count[:, None]
        means.append(mean)
        about.append((points - mean[:, None]).where(mask, 0.0))
    spread = torch.stack([x.square().sum((1, 2)) for x in about])
    return _Moments(count, torch.stack(means), spread, about[0].transpose(1, 2) @ about[1])


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


def _turns(quaternions: Tensor) -> Tensor:
    """(B, 3, 3) rotations of unit quaternions (w, x, y, z)."""
    w, x, y, z = quaternions.unbind(-1)
    rows = (
        (w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z),
    )
    return torch.stack([torch.stack(row, -1) for row in rows], 1)


def _left(pred: Tensor, true: Tensor, fit: Tensor) -> Tensor:
    """(B, N, 3) what remains between points after similarities."""
    moving = (fit[:, :1] * fit[:, 1:10]).view(-1, 3, 3)
    turned = (pred - fit[:, None, 10:13]) @ moving.transpose(1, 2)
    return turned - (true - fit[:, None, 13:])


def _mean(vectors: Tensor, counted: Tensor | None) -> Tensor:
    """(B,) mean length of the counted ones of (B, N, 3) vectors."""
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    if counted is None:
        return lengths.mean(1)
    return lengths.masked_fill(~counted, 0.0).sum(1) / counted.sum(1)
