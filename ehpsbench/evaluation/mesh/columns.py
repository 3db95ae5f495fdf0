"""Error columns of bodies: what is found on the same points is found together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from ehpsbench.evaluation.mesh.points import Figures, Pair
from ehpsbench.evaluation.mesh.rules import ErrorColumn
from ehpsbench.metrics.point_error import millimetres, root_shift
from ehpsbench.metrics.point_pairs import PointPairs
from ehpsbench.metrics.rigid_alignment import residual

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
    found: dict[str, Tensor] = {}
    for same in _on_the_same_points(columns):
        taken = same[0].pair
        points = taken.points(pred, true)
        everybody = slice(len(true.vertices))
        counted = None if seen is None else seen(taken.true.points(true), everybody)
        for column in same:
            found[column.name] = millimetres(_metres(column, points, pred, true, counted))
    return found


def _on_the_same_points(columns: Sequence[Column]) -> list[list[Column]]:
    groups: dict[tuple[str, str | None], list[Column]] = {}
    for column in columns:
        groups.setdefault((column.error.points, column.side), []).append(column)
    return list(groups.values())


def _metres(
    column: Column, points: PointPairs, pred: Figures, true: Figures, counted: Tensor | None
) -> Tensor:
    if column.error.root == "none":
        return residual(points, counted=counted)
    roots = column.pair.pred.roots(pred), column.pair.true.roots(true)
    return points.mean_distance(counted, root_shift(*roots, len(true.vertices)))
