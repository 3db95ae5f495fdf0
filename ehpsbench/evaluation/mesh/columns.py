"""Error columns of bodies: what is found on the same points is found together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ehpsbench.evaluation.mesh.points import Figures, Pair
from ehpsbench.evaluation.mesh.rules import ErrorColumn
from ehpsbench.metrics.blocks import over_blocks
from ehpsbench.metrics.point_error import millimetres, root_shift

TOGETHER = 32  # people of a block: what is done once for each costs as much as a few of them
Seen = Callable[[Tensor, slice], Tensor]


@dataclass(frozen=True, slots=True)
class Column:
    """One error on one set of points (one side of the hands)."""

    error: ErrorColumn
    side: str | None
    pair: Pair

    @property
    def name(self) -> str:
        """That of the error, with the side behind it."""
        return self.error.name if self.side is None else f"{self.error.name}_{self.side}"

    @property
    def flag(self) -> str | None:
        """The column that says whether the truth of this part can be trusted."""
        if self.side is not None:
            return f"{self.side}_hand_valid"
        return "face_valid" if self.error.points == "face_vertices" else None


def column_errors(
    columns: Sequence[Column], pred: Figures, true: Figures, seen: Seen | None = None
) -> dict[str, Tensor]:
    """Score every column; PVE and MPJPE are one arithmetic, and so are both after alignment.

    Args:
        columns: none of motion.
        pred: B predicted bodies, one or more.
        true: B true bodies.
        seen: says of (b, P, 3) true points of the people in a slice of the B which ones count,
            (b, P); None: all of them.

    Returns:
        (B,) float64 of each column, by its name; NaN where it is not defined.
    """
    groups = _on_the_same_points(columns)

    def of_some(_: Tensor, people: Tensor) -> dict[str, Tensor]:
        rows = slice(int(people[0]), int(people[-1]) + 1)
        return _errors(groups, pred.of(rows), true.of(rows), rows, seen)

    people = torch.arange(len(true.vertices), device=true.vertices.device)
    blocks = over_blocks(of_some, people, size=TOGETHER)
    return {name: torch.cat([found[name] for found in blocks]) for name in blocks[0]}


def _errors(
    groups: list[list[Column]], pred: Figures, true: Figures, rows: slice, seen: Seen | None
) -> dict[str, Tensor]:
    """(b,) errors of the people in some rows, by name."""
    found: dict[str, Tensor] = {}
    for same in groups:
        taken = same[0].pair
        counted = None if seen is None else seen(taken.true.points(true), rows)
        rooted = [column for column in same if column.error.root != "none"]
        aligned = [column for column in same if column.error.root == "none"]
        distances = taken.points(pred, true).distances(
            [_shift(column, pred, true) for column in rooted],
            aligned=bool(aligned),
            counted=counted,
        )
        errors = [millimetres(metres) for metres in distances]
        found |= {column.name: error for column, error in zip(rooted, errors, strict=False)}
        found |= {column.name: errors[-1] for column in aligned}
    return found


def _on_the_same_points(columns: Sequence[Column]) -> list[list[Column]]:
    groups: dict[tuple[str, str | None], list[Column]] = {}
    for column in columns:
        groups.setdefault((column.error.points, column.side), []).append(column)
    return list(groups.values())


def _shift(column: Column, pred: Figures, true: Figures) -> Tensor | None:
    """(b, 3) by how much the roots of a column are apart [m]."""
    roots = column.pair.pred.roots(pred), column.pair.true.roots(true)
    return root_shift(*roots, len(true.vertices))
