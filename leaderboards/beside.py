"""Reported numbers in the columns of a board: beside our own, and among them only when asked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.openbody import SIZES
from ehpsbench.errors import BodyMismatch
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.published import Cell, Column, published
from ehpsbench.leaderboards.table import Standings

NAMES = {
    ("pve", "all"): "pve",
    ("pve", "hands"): "pve_hands",
    ("mpjpe", "all"): "mpjpe",
    ("pa_mpjpe", "hand"): "pa_mpjpe",
    ("nmve", "all"): "fullbody_nmve",
    ("nmve", "body"): "body_nmve",
    ("nmje", "all"): "fullbody_nmje",
    ("nmje", "body"): "body_nmje",
    ("f1", ""): "f1",
}
"""A published metric and part → what our protocols call the number."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What others report of one model in a board's columns.

    Attributes:
        entry: the model.
        training: what trained it; empty: not said.
        cells: column of the board → number, by the same definition as the column's protocol.
    """

    entry: str
    training: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Place:
    """A place among ours and reported ones together.

    Attributes:
        place: 1 for the best; equal values share it.
        name: of the group or model.
        value: what the board orders by.
        reported: where it was reported; None for our own.
    """

    place: int
    name: str
    value: float
    reported: tuple[str, ...] | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        sources = None if self.reported is None else list(self.reported)
        return {"place": self.place, "name": self.name, "value": self.value, "reported": sources}


def reported(board: Board) -> tuple[Reported, ...]:
    """All models with a reported number in a column of the board.

    A number belongs to a column where its protocol is the column's own; of a model that is
    reported twice in a column, the first table counts.
    """
    found: dict[tuple[str, str], dict[str, Cell]] = {}
    for table in published():
        for row, column, cell in table.cells:
            for name in _columns(board, column, cell):
                found.setdefault((row.entry, row.training), {}).setdefault(name, cell)
    return tuple(Reported(entry, training, cells) for (entry, training), cells in found.items())


def _columns(board: Board, column: Column, cell: Cell) -> list[str]:
    number = NAMES.get((column.metric, column.part))
    return [b.id for b in board.benchmarks if (b.protocol, b.primary) == (cell.protocol, number)]


def together(standings: Standings, board: Board) -> tuple[Place, ...]:
    """Ours and reported ones in one order, best first.

    A reported number has no rows: nothing says whether it is a tie, or on the same people. So this
    is no ranking of the board, and whoever shows it has to say so. Reported models that lack a
    column that counts, and boards that are ordered by ranks, have no place.

    Raises:
        BodyMismatch: ours are of the open body; what others report is of the owners'.
    """
    _refuse_open_body(standings)
    ours = [(r.mpe.mean, r.name, None) for r in standings.rows if not math.isnan(r.mpe.mean)]
    theirs = [] if board.order == "rank" else [_scored(board, one) for one in reported(board)]
    rows = [*ours, *(one for one in theirs if one is not None)]
    sign = -1 if standings.score.direction == "higher" else 1
    rows.sort(key=lambda row: (sign * row[0], row[1]))
    values = [row[0] for row in rows]
    return tuple(Place(1 + values.index(v), name, v, source) for v, name, source in rows)


def _refuse_open_body(standings: Standings) -> None:
    if standings.body_set in {open_bodies(size).id for size in SIZES}:
        raise BodyMismatch(
            "Reported numbers are of the owners' body models, those of this store of the open "
            "body: they do not meet in one order. Evaluate with --body-models."
        )


def _scored(board: Board, one: Reported) -> tuple[float, str, tuple[str, ...]] | None:
    """The mean over the columns that count, and where they were reported; None if one lacks."""
    cells = [one.cells[name] for name in board.counted if name in one.cells]
    if len(cells) < len(board.counted):
        return None
    sources = tuple(dict.fromkeys(f"{c.source} [{c.certainty}]" for c in cells))
    return sum(c.value for c in cells) / len(cells), one.entry, sources
