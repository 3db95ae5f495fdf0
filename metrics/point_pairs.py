"""Corresponding points of many people, on the meshes that they are taken off: one reading of them.

On the CPU machine code goes over each person's points (point_kernels.py); on other devices torch
does the same on all people at once (point_tensors.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ehpsbench.metrics import point_tensors
from ehpsbench.metrics.blocks import BLOCK, over_blocks

if TYPE_CHECKING:
    from ehpsbench.metrics.point_kernels import Chosen, Sides

FIT = 16  # as in similarity_kernels, which is imported where machine code is wanted
Result = TypeVar("Result")
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
        ValueError: the sides are not equally many points of equally many people; ids are no list.
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
        same = counted is fitted or not aligned
        counted, fitted = self._mask("counted", counted), self._mask("fitted", fitted)
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
            row[:] = _moved(shift)
        chosen = self._chosen(counted), self._chosen(fitted)
        measured = partial(errors, self._sides(), *chosen, same, moved, aligned)
        return list(self._each(len(shifts) + aligned, measured).unbind(1))

    def point_sums(
        self, shift: Tensor | None = None, counted: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Distances of each point summed up over the people, and over how many.

        Args:
            shift: (B, 3) taken off every difference pred − true [m]; None: nothing is.
            counted: (B, N) which points enter the sums; None: all.

        Returns:
            (2, N) float64 [m] and (2, N) int64: after the shift, and after the best similarity of
            all points. A person with a counted point without a distance is left out.

        Raises:
            ValueError: one of them has another shape.
        """
        _check("shift", shift, (len(self.pred), 3))
        counted = self._mask("counted", counted)
        if not self._on_cpu:
            return point_tensors.point_sums(*self._points(), shift, counted)
        from ehpsbench.metrics.point_kernels import add_points

        chosen = self._chosen(None), self._chosen(counted)
        moved = np.zeros((len(self.pred), 3))
        moved[:] = _moved(shift)
        shape = 2, self._size

        def of_block(people: tuple[int, int]) -> tuple[Tensor, Tensor]:
            sums, counts = np.zeros(shape), np.zeros(shape, np.int64)
            add_points(self._sides(), *chosen, moved, people, sums, counts)
            return torch.from_numpy(sums), torch.from_numpy(counts)

        found = self._blocks(of_block)
        sums, counts = (
            torch.zeros(shape, dtype=torch.float64),
            torch.zeros(shape, dtype=torch.int64),
        )
        for some, many in found:
            sums += some
            counts += many
        return sums, counts

    def similarity(self, fitted: Tensor | None = None) -> Tensor:
        """(B, 16) float64 scale, rotation (9) and both means (3 each) [m] of the best similarity.

        Args:
            fitted: (B, N) which points it is fitted on; None: all.

        Raises:
            ValueError: `fitted` has another shape.
        """
        fitted = self._mask("fitted", fitted)
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
        return Chosen(_array(mask), False)

    def _mask(self, name: str, mask: Tensor | None) -> Tensor | None:
        _check(name, mask, (len(self.pred), self._size))
        return None if mask is None else mask.bool()

    def _each(self, width: int, kernel: Kernel) -> Tensor:
        """(B, width) what a kernel finds of each person, on all threads."""
        found = np.full((len(self.pred), width), np.nan)

        def of_block(people: tuple[int, int]) -> None:
            kernel(people[0], found[people[0] : people[1]])

        if width:
            self._blocks(of_block)
        return torch.from_numpy(found)

    def _blocks(self, function: Callable[[tuple[int, int]], Result]) -> list[Result]:
        """What a function finds of the people from one number to before another, on all threads."""

        def of_block(_: Tensor, people: Tensor) -> Result:
            return function((int(people[0]), int(people[-1]) + 1))

        if not len(self.pred) or not self._size:
            return []
        size = max(1, BLOCK // self._size)
        return over_blocks(of_block, torch.arange(len(self.pred)), size=size)


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
    if ids.ndim != 1 or ids.dtype == torch.bool or ids.is_floating_point():
        raise ValueError(f"ids must be (N,) whole numbers, got {tuple(ids.shape)} {ids.dtype}.")
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


def _moved(shift: Tensor | None) -> NDArray[np.float64] | float:
    return 0.0 if shift is None else shift.detach().to(torch.float64).numpy()
