"""Corresponding points of many people, on the meshes that they are taken off: one reading of them.

On the CPU machine code goes over each person's points (point_kernels.py); on other devices torch
does the same on all people at once (point_tensors.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ehpsbench.metrics import point_tensors
from ehpsbench.metrics.blocks import BLOCK, over_blocks

if TYPE_CHECKING:
    from ehpsbench.metrics.point_kernels import Chosen, Sides

FIT = 16
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

    def distances(
        self,
        shifts: Sequence[Tensor | None] = (),
        *,
        aligned: bool = False,
        counted: Tensor | None = None,
        fitted: Tensor | None = None,
    ) -> list[Tensor]:
        """Mean |pred − true| under several shifts and after a similarity, all in one reading.

        Args:
            shifts: (B, 3) each, taken off every difference pred − true [m]; None: nothing is.
            aligned: also after the best similarity, which comes last.
            counted: (B, N) which points enter the means; None: all.
            fitted: (B, N) which of them the similarity is fitted on; None: all.

        Returns:
            (B,) float64 each [m]; NaN where no point counts, or no similarity is defined.

        Raises:
            ValueError: one of them has another shape.
        """
        for shift in shifts:
            _check("shift", shift, (len(self.pred), 3))
        _check("counted", counted, (len(self.pred), self._size))
        _check("fitted", fitted, (len(self.pred), self._size))
        if not self._on_cpu:
            both = self._points()
            found = [point_tensors.mean_distance(*both, counted, shift) for shift in shifts]
            if aligned:
                fit = point_tensors.similarity(*both, fitted)
                found.append(point_tensors.residual(*both, fit, counted))
            return found
        from ehpsbench.metrics.point_kernels import errors

        moved = np.zeros((len(shifts), len(self.pred), 3))
        for row, shift in zip(moved, shifts, strict=True):
            row[:] = 0.0 if shift is None else shift.detach().numpy()
        width = len(shifts) + aligned
        chosen = self._chosen(counted), self._chosen(fitted)
        measured = partial(errors, self._sides(), *chosen, moved, aligned)
        return list(self._each(width, measured).unbind(1))

    def similarity(self, fitted: Tensor | None = None) -> Tensor:
        """(B, 16) float64 scale, rotation (9) and both means (3 each) [m] of the best similarity.

        Args:
            fitted: (B, N) which points it is fitted on; None: all.

        Raises:
            ValueError: `fitted` has another shape.
        """
        _check("fitted", fitted, (len(self.pred), self._size))
        if not self._on_cpu:
            return point_tensors.similarity(*self._points(), fitted)
        from ehpsbench.metrics.point_kernels import fits

        return self._each(FIT, partial(fits, self._sides(), self._chosen(fitted)))

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

    def _sides(self) -> Sides:
        from ehpsbench.metrics.point_kernels import Sides

        pred, true = coordinates(self.pred), coordinates(self.true)
        return Sides(pred, _ids(self.pred_ids), true, _ids(self.true_ids))

    def _chosen(self, mask: Tensor | None) -> Chosen:
        from ehpsbench.metrics.point_kernels import Chosen

        if mask is None:
            return Chosen(np.ones((1, self._size), bool), True)
        return Chosen(_array(mask.bool()), False)

    def _each(self, width: int, kernel: Kernel) -> Tensor:
        """(B, width) what a kernel finds of each person, on all threads."""
        found = np.full((len(self.pred), width), np.nan)

        def of_block(_: Tensor, people: Tensor) -> None:
            first = int(people[0])
            kernel(first, found[first : int(people[-1]) + 1])

        if found.size and self._size:
            over_blocks(of_block, torch.arange(len(found)), size=max(1, BLOCK // self._size))
        return torch.from_numpy(found)


def coordinates(points: Tensor) -> NDArray[Any]:
    """(B, V, 3) in one piece for machine code, float32 as it is, anything else float64."""
    kept = points.detach()
    return _array(kept if kept.dtype == torch.float32 else kept.to(torch.float64))


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


def _array(values: Tensor) -> NDArray[Any]:
    found: NDArray[Any] = values.detach().contiguous().numpy()
    return found


def _ids(ids: Tensor | None) -> NDArray[np.int64]:
    """None of them stand for all points, one after another."""
    return np.empty(0, np.int64) if ids is None else _array(ids.to(torch.int64))
