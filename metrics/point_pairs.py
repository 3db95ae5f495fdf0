"""Corresponding points of many people, on the meshes that they are taken off: one reading of them.

On the CPU machine code goes over each person's points (point_kernels.py); on other devices torch
does the same on all people at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ehpsbench.metrics.blocks import BLOCK, over_blocks

if TYPE_CHECKING:
    from ehpsbench.metrics.point_kernels import Sides

MOMENTS = 18
Kernel = Callable[[int, NDArray[np.float64]], None]


@dataclass(frozen=True, slots=True)
class PointPairs:
    """N points of B people, predicted and true. What is measured on them has no gradient.

    Attributes:
        pred: (B, V, 3) what the predicted points are taken off [m].
        true: (B, W, 3) what the true points are taken off [m].
        pred_ids: (N,) which of the V; None: all.
        true_ids: (N,) which of the W; None: all.

    Raises:
        ValueError: the sides are not equally many points of equally many people.
        IndexError: an id is none of a point.
    """

    pred: Tensor
    true: Tensor
    pred_ids: Tensor | None = None
    true_ids: Tensor | None = None

    def __post_init__(self) -> None:
        said, known = _taken(self.pred, self.pred_ids), _taken(self.true, self.true_ids)
        if said != known:
            raise ValueError(
                "pred and true must be as many points of as many people, got "
                f"(people, points) {said} and {known}."
            )

    def mean_distance(self, counted: Tensor | None = None, shift: Tensor | None = None) -> Tensor:
        """(B,) float64 mean |pred − true| [m]; NaN where no point counts.

        Args:
            counted: (B, N) which points enter the mean; None: all.
            shift: (B, 3) taken off every difference pred − true [m].

        Raises:
            ValueError: one of them has another shape.
        """
        _check("counted", counted, (len(self.pred), self._size))
        _check("shift", shift, (len(self.pred), 3))
        if not self._on_cpu:
            return _mean_distance(*self._points(), counted, shift)
        from ehpsbench.metrics.point_kernels import distances

        moved = np.zeros((1, 3)) if shift is None else _array(shift.to(torch.float64))
        return self._each(1, partial(distances, self._sides(counted), moved))[:, 0]

    def moments(self, counted: Tensor | None = None) -> Tensor:
        """(B, 18) float64 of the (B, N) counted points; NaN where no point counts.

        How many; the means of pred and of true (3 each) [m]; the sums of their squared distances
        from them; the nine products pred ⊗ true about them [m²].

        Raises:
            ValueError: `counted` has another shape.
        """
        _check("counted", counted, (len(self.pred), self._size))
        if not self._on_cpu:
            return _moments(*self._points(), counted)
        from ehpsbench.metrics.point_kernels import moments

        return self._each(MOMENTS, partial(moments, self._sides(counted)))

    def residual(self, moving: Tensor, means: Tensor, counted: Tensor | None = None) -> Tensor:
        """(B,) float64 mean distance after a similarity [m]; NaN where no point counts.

        Args:
            moving: (B, 3, 3) its scale · rotation.
            means: (2, B, 3) what it brings together, of pred and of true [m].
            counted: (B, N) which points enter the mean; None: all.

        Raises:
            ValueError: one of them has another shape.
        """
        people = len(self.pred)
        _check("moving", moving, (people, 3, 3))
        _check("means", means, (2, people, 3))
        _check("counted", counted, (people, self._size))
        if not self._on_cpu:
            return _residual(*self._points(), moving, means, counted)
        from ehpsbench.metrics.point_kernels import residuals

        fit = _array(moving), _array(means)
        return self._each(1, partial(residuals, self._sides(counted), *fit))[:, 0]

    @property
    def _on_cpu(self) -> bool:
        return self.pred.device.type == "cpu"

    @property
    def _size(self) -> int:
        return self.pred.shape[1] if self.pred_ids is None else len(self.pred_ids)

    def _points(self) -> tuple[Tensor, Tensor]:
        """(B, N, 3) float64 of both."""
        both = ((self.pred, self.pred_ids), (self.true, self.true_ids))
        pred, true = (
            (x if ids is None else x.index_select(1, ids)).detach().to(torch.float64)
            for x, ids in both
        )
        return pred, true

    def _sides(self, counted: Tensor | None) -> Sides:
        from ehpsbench.metrics.point_kernels import Sides

        pred, true = _coordinates(self.pred), _coordinates(self.true)
        ids = (
            _every(self._size) if x is None else _array(x.to(torch.int64))
            for x in (self.pred_ids, self.true_ids)
        )
        counts = np.ones((1, self._size), bool) if counted is None else _array(counted.bool())
        pred_ids, true_ids = ids
        return Sides(pred, pred_ids, true, true_ids, counts, counted is None)

    def _each(self, width: int, kernel: Kernel) -> Tensor:
        """(B, width) what a kernel finds of each person, on all threads."""
        found = np.full((len(self.pred), width), np.nan)

        def of_block(_: Tensor, people: Tensor) -> None:
            first = int(people[0])
            kernel(first, found[first : int(people[-1]) + 1])

        if found.size and self._size:
            over_blocks(of_block, torch.arange(len(found)), size=max(1, BLOCK // self._size))
        return torch.from_numpy(found)


def _taken(points: Tensor, ids: Tensor | None) -> tuple[int, int]:
    """How many people there are, and points of each; machine code reads where it is told to."""
    if points.ndim != 3 or points.shape[2] != 3:
        raise ValueError(f"Points must be (B, N, 3), got {tuple(points.shape)}.")
    if ids is None:
        return points.shape[0], points.shape[1]
    if len(ids) and not 0 <= ids.min() <= ids.max() < points.shape[1]:
        raise IndexError(f"ids must be 0 to {points.shape[1] - 1}, got {ids}.")
    return points.shape[0], len(ids)


def _check(name: str, values: Tensor | None, shape: tuple[int, ...]) -> None:
    if values is not None and values.shape != shape:
        raise ValueError(f"{name} must be {shape}, got {tuple(values.shape)}.")


def _coordinates(points: Tensor) -> NDArray[Any]:
    """(B, V, 3) in one piece, float32 as it is, anything else float64."""
    kept = points.detach()
    return _array(kept if kept.dtype == torch.float32 else kept.to(torch.float64))


def _array(values: Tensor) -> NDArray[Any]:
    found: NDArray[Any] = values.detach().contiguous().numpy()
    return found


@lru_cache(maxsize=32)
def _every(size: int) -> NDArray[np.int64]:
    return np.arange(size)


def _mean_distance(
    pred: Tensor, true: Tensor, counted: Tensor | None, shift: Tensor | None
) -> Tensor:
    away = pred - true
    return _mean(away if shift is None else away - shift[:, None], counted)


def _residual(
    pred: Tensor, true: Tensor, moving: Tensor, means: Tensor, counted: Tensor | None
) -> Tensor:
    turned = (pred - means[0, :, None]) @ moving.transpose(1, 2)
    return _mean(turned - (true - means[1, :, None]), counted)


def _moments(pred: Tensor, true: Tensor, counted: Tensor | None) -> Tensor:
    weight = torch.ones_like(pred[..., 0]) if counted is None else counted.to(pred)
    count = weight.sum(1, keepdim=True)
    mask = weight[..., None] > 0
    means, about = [], []
    for points in (pred, true):
        mean = points.where(mask, 0.0).sum(1) / count
        means.append(mean)
        about.append((points - mean[:, None]).where(mask, 0.0))
    squares = [x.square().sum((1, 2))[:, None] for x in about]
    products = (about[0].transpose(1, 2) @ about[1]).flatten(1)
    found = torch.cat([*means, *squares, products], 1)
    return torch.cat([count, found.where(count > 0, torch.nan)], 1)


def _mean(vectors: Tensor, counted: Tensor | None) -> Tensor:
    """(B,) mean length of the counted ones of (B, N, 3) vectors."""
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    if counted is None:
        return lengths.mean(1)
    return lengths.masked_fill(~counted, 0.0).sum(1) / counted.sum(1)
