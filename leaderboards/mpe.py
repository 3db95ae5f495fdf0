"""The mean primary error of one entry, from the numbers of its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ehpsbench.errors import InputError
from ehpsbench.evaluation.results import Result
from ehpsbench.leaderboards.board import Board, columns_of


@dataclass(frozen=True, slots=True)
class MeanPrimaryError:
    """The mean of primary errors over benchmarks, each counting alike.

    Attributes:
        value: in `unit`.
        parts: benchmark → (primary error, hash of the protocol that made it).
        missing: benchmarks of the board that are not in the mean; then it is no MPE of the board.
        name: of the board's number.
        unit: of all numbers.
    """

    value: float
    parts: dict[str, tuple[float, str]]
    missing: tuple[str, ...]
    name: str = "MPE"
    unit: str = "mm"

    @property
    def label(self) -> str:
        """`MPE`, or what it is the mean of when some are missing."""
        if not self.missing:
            return self.name
        of = len(self.parts) + len(self.missing)
        return f"partial mean over {len(self.parts)} of {of}, without {', '.join(self.missing)}"


def mean_primary_error(
    board: Board, results: Mapping[str, Result], *, partial: bool = False
) -> MeanPrimaryError:
    """The unweighted mean of a board's primary errors.

    Args:
        board: benchmarks, and which number of each counts.
        results: benchmark → result of the entry.
        partial: take the mean over those that are there, labelled so.

    Raises:
        InputError: a benchmark is missing, or its primary error is not defined; the board orders by
            ranks, which one entry alone does not have.

    Source:
        SMPLer-X, README: "average of the primary errors on five benchmarks"; SMPLest-X, Table 3.
    """
    if board.order == "rank":
        raise InputError(f"{board.title} orders by ranks; one entry alone has no number on it.")
    numbers = {
        b.id: (found.number(b.primary), str(found.summary["protocol_hash"]))
        for b in board.benchmarks
        if b.counts and (found := results.get(b.protocol)) and found.summary["complete"]
    }
    parts = {name: part for name, part in numbers.items() if np.isfinite(part[0])}
    missing = tuple(b for b in board.counted if b not in parts)
    if missing and not (partial and parts):
        raise InputError(
            f"{board.title}: no complete result on {', '.join(missing)}. A mean over fewer "
            "benchmarks is another number; evaluate them, or ask for the partial mean."
        )
    unit = next(columns_of(board)[i].unit for i in board.counted)
    mean = float(np.mean([value for value, _ in parts.values()]))
    return MeanPrimaryError(mean, parts, missing, board.score_in(unit), unit)
