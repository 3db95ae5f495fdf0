"""The mean primary error of one entry, from the numbers of its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ehpsbench.errors import InputError
from ehpsbench.evaluation.results import Result
from ehpsbench.leaderboards.board import Board


@dataclass(frozen=True, slots=True)
class MeanPrimaryError:
    """The mean of primary errors over benchmarks, each counting alike.

    Attributes:
        value: [mm].
        parts: benchmark → (primary error [mm], hash of the protocol that made it).
        missing: benchmarks of the board that are not in the mean; then it is no MPE of the board.
    """

    value: float
    parts: dict[str, tuple[float, str]]
    missing: tuple[str, ...]

    @property
    def label(self) -> str:
        """`MPE`, or what it is the mean of when some are missing."""
        if not self.missing:
            return "MPE"
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
        InputError: a benchmark is missing, or its primary error is not defined.

    Source:
        SMPLer-X, README: "average of the primary errors on five benchmarks"; SMPLest-X, Table 3.
    """
    found = {
        b.id: (results[b.id].number(b.primary), str(results[b.id].summary["protocol_hash"]))
        for b in board.benchmarks
        if b.id in results and results[b.id].summary["complete"]
    }
    parts = {name: part for name, part in found.items() if np.isfinite(part[0])}
    missing = tuple(b for b in board.ids if b not in parts)
    if missing and not (partial and parts):
        raise InputError(
            f"{board.title}: no complete result on {', '.join(missing)}. A mean over fewer "
            "benchmarks is another number; evaluate them, or ask for the partial mean."
        )
    return MeanPrimaryError(float(np.mean([v for v, _ in parts.values()])), parts, missing)
