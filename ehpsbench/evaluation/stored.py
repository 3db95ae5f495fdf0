"""Numbers made again from the stored rows of a result, whatever the task, also of rows drawn anew.

A result keeps what each person or image gives: a value, or statistics that add up, or detections
with what became of them. All its numbers follow from these, and so do those of a bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ehpsbench.evaluation import protocol

if TYPE_CHECKING:
    from torch import Tensor

    from ehpsbench.metrics.keypoint_ap import Matches

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


class Statistics(Protocol):
    """What some numbers of a result are made of."""

    @property
    def names(self) -> tuple[str, ...]:
        """The numbers that follow from it."""

    def grouped(self, index: Index) -> Self:
        """The same with whole groups of rows to be weighed.

        Args:
            index: (N,) the group of each row, from 0.
        """

    def beside(self, other: Self) -> Self:
        """The rows or groups of both, one after the other."""

    def numbers(
        self, weights: Floats | None = None, only: Collection[str] | None = None
    ) -> dict[str, Floats]:
        """The numbers.

        Args:
            weights: (..., G) how often each row or group counts; None: once.
            only: names of those that are wanted; None: all.

        Returns:
            (...) of each; NaN where it is not defined.
        """


@dataclass(frozen=True, slots=True)
class Sums:
    """Numbers that follow from sums over rows.

    Attributes:
        names: of the numbers.
        rows: (N, K) statistics that add up.
        made: sums (..., K) → each number (...).
    """

    names: tuple[str, ...]
    rows: Floats
    made: Callable[[Tensor], Mapping[str, Tensor]]

    def grouped(self, index: Index) -> Sums:
        """See `Statistics`."""
        sums = np.zeros((int(index.max(initial=-1)) + 1, self.rows.shape[1]))
        np.add.at(sums, index, self.rows)
        return replace(self, rows=sums)

    def beside(self, other: Sums) -> Sums:
        """See `Statistics`."""
        return replace(self, rows=np.concatenate([self.rows, other.rows]))

    def numbers(
        self, weights: Floats | None = None, only: Collection[str] | None = None
    ) -> dict[str, Floats]:
        """See `Statistics`."""
        import torch

        sums = self.rows.sum(0) if weights is None else weights @ self.rows
        found = self.made(torch.from_numpy(np.ascontiguousarray(sums)))
        wanted = self.names if only is None else [n for n in self.names if n in only]
        return {name: np.asarray(found[name], np.float64) for name in wanted}


@dataclass(frozen=True, slots=True)
class Detected:
    """Average precision and recall: every draw ranks the detections of all its images anew.

    Attributes:
        names: of the numbers, each `<part>_<number of metrics.keypoint_ap>`.
        matches: of all images.
        group: (I,) the group of each image.
    """

    names: tuple[str, ...]
    matches: Matches
    group: Index

    def grouped(self, index: Index) -> Detected:
        """See `Statistics`."""
        return replace(self, group=index)

    def beside(self, other: Detected) -> Detected:
        """See `Statistics`."""
        from ehpsbench.metrics.keypoint_ap import Matches

        both = Matches.joined([self.matches, other.matches])
        count = int(self.group.max(initial=-1)) + 1
        group = np.concatenate([self.group, other.group + count])
        return replace(self, matches=both, group=group)

    def numbers(
        self, weights: Floats | None = None, only: Collection[str] | None = None
    ) -> dict[str, Floats]:
        """See `Statistics`."""
        import torch

        from ehpsbench.metrics.keypoint_ap import average_precision

        wanted = [n for n in self.names if only is None or n in only]
        device = self.matches.people.device
        each = None if weights is None else torch.from_numpy(weights[..., self.group]).to(device)
        found = average_precision(self._of_ranges(wanted), each)
        return {name: np.asarray(found[_number(name)].cpu(), np.float64) for name in wanted}

    def _of_ranges(self, wanted: Sequence[str]) -> Matches:
        """Matches without those of ranges of areas that nobody asked for: they are skipped."""
        ranges = [any(_number(n).endswith(size) for n in wanted) for size in ("medium", "large")]
        correct = self.matches.correct.clone()
        for place, asked in enumerate(ranges, start=1):
            correct[:, place] &= asked
        return replace(self.matches, correct=correct)


def _number(name: str) -> str:
    """`ap_large` of `left_hand_ap_large`."""
    words = name.split("_")
    start = max(i for i, word in enumerate(words) if word.startswith(("ap", "ar")))
    return "_".join(words[start:])


def statistics(rules: protocol.Protocol, rows: pa.Table) -> tuple[Statistics, ...]:
    """What all numbers of a result are made of.

    Args:
        rules: of the benchmark.
        rows: of the result, as stored.
    """
    room = import_module(f"ehpsbench.evaluation.{rules.task}.stored")
    found: tuple[Statistics, ...] = room.statistics(rules, rows)
    return found


def statistics_of(rules: protocol.Protocol, rows: pa.Table, number: str) -> Statistics:
    """What one number is made of; see `statistics`.

    Raises:
        UnknownName: the result has no such number.
    """
    from ehpsbench.errors import UnknownName

    every = statistics(rules, rows)
    for found in every:
        if number in found.names:
            return found
    known = [name for one in every for name in one.names]
    raise UnknownName.of(f"error on {rules.name}", number, known)


def means(rows: pa.Table, columns: Sequence[str]) -> tuple[Sums, ...]:
    """Each column's mean over the rows that have a value, as statistics.

    Args:
        rows: of a result.
        columns: names of value columns; NaN where a row has none.
    """
    return tuple(_mean(name, np.asarray(rows[name], np.float64)) for name in columns)


def _mean(name: str, values: Floats) -> Sums:
    here = np.isfinite(values)
    pairs = np.stack([np.where(here, values, 0.0), here.astype(np.float64)], axis=1)
    return Sums((name,), pairs, lambda sums: {name: sums[..., 0] / sums[..., 1]})


def stacked(rows: pa.Table, columns: Sequence[str]) -> Floats:
    """(N, K) columns of numbers, or of lists of numbers, side by side."""
    parts = []
    for name in columns:
        values = rows[name].combine_chunks()
        flat = values.flatten() if pa.types.is_fixed_size_list(values.type) else values
        parts.append(np.asarray(flat, np.float64).reshape(len(values), -1))
    return np.concatenate(parts, axis=1)
