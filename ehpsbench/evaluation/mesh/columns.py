"""Error columns of bodies: points are taken once for all metrics of a part, both hands at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from ehpsbench.evaluation.mesh.points import Figures, Pair
from ehpsbench.evaluation.mesh.rules import ErrorColumn
from ehpsbench.metrics import catalogue
from ehpsbench.metrics.pixels import over_blocks
from ehpsbench.metrics.point_error import planar

# Points of all people that are worked on at a time: with fewer the calls cost more than the
# arithmetic, with more every step waits for memory (benchmarks/mesh_metrics.py --block).
BLOCK = 2**16
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
    columns: Sequence[Column],
    pred: Figures,
    true: Figures,
    seen: Seen | None = None,
    block: int = BLOCK,
) -> dict[str, Tensor]:
    """Score every column.

    Args:
        columns: none of motion.
        pred: B predicted bodies, one or more.
        true: B true bodies.
        seen: says of (b, P, 3) true points of the people in a slice of the B which ones count,
            (b, P); None: all of them.
        block: points at a time.

    Returns:
        (B,) float64 of each column, by its name; NaN where it is not defined.
    """
    found: dict[str, Tensor] = {}
    for part in _parts(columns):
        found |= _part_errors(part, pred, true, seen, block)
    return found


def _parts(columns: Sequence[Column]) -> list[list[list[Column]]]:
    """Errors (a column each, or one of each side) that are on the same points, part by part."""
    errors = [list(sides) for _, sides in groupby(columns, key=lambda c: c.error.name)]
    parts: dict[tuple[str | None, ...], list[list[Column]]] = {}
    for sides in errors:
        key = (sides[0].error.points, *(column.side for column in sides))
        parts.setdefault(key, []).append(sides)
    return list(parts.values())


def _part_errors(
    part: list[list[Column]], pred: Figures, true: Figures, seen: Seen | None, block: int
) -> dict[str, Tensor]:
    """(B,) each error on one set of points, by name; the people in blocks, a thread each."""
    pairs = [column.pair for column in part[0]]
    roots = [_roots(sides, pred, true) for sides in part]

    def of_block(_: Tensor, people: Tensor) -> dict[str, Tensor]:
        rows = slice(int(people[0]), int(people[-1]) + 1)
        points = (
            _joined([pair.pred.points(pred.of(rows)) for pair in pairs]),
            _joined([pair.true.points(true.of(rows)) for pair in pairs]),
        )
        counted = None
        if seen is not None:
            counted = torch.cat([seen(side, rows) for side in points[1].chunk(len(pairs))])
        found: dict[str, Tensor] = {}
        for sides, of_sides in zip(part, roots, strict=True):
            score: Callable[..., Tensor] = catalogue.score(sides[0].error.metric)
            if sides[0].error.root == "none":
                values = score(*points, counted=counted)
            else:
                given = {name: _stacked(side, rows) for name, side in of_sides.items()}
                values = score(*points, counted, **given)
            names = [column.name for column in sides]
            found |= dict(zip(names, values.chunk(len(sides)), strict=True))
        return found

    points = pairs[0].true.points(true.of(slice(1))).shape[1]
    size = max(1, block // (len(pairs) * points))
    people = torch.arange(len(true.vertices), device=true.vertices.device)
    found = over_blocks(of_block, people, size=size)
    return {name: torch.cat([values[name] for values in found]) for name in found[0]}


def _roots(sides: list[Column], pred: Figures, true: Figures) -> dict[str, list[Tensor | None]]:
    """(B, 3) roots of each side; None where points stay where they are."""
    return {
        "pred_root": [column.pair.pred.roots(pred) for column in sides],
        "target_root": [column.pair.true.roots(true) for column in sides],
    }


def _stacked(roots: list[Tensor | None], rows: slice) -> Tensor | None:
    """(S·b, 3), side after side."""
    given = [root[rows] for root in roots if root is not None]
    return torch.cat(given) if given else None


def _joined(sides: list[Tensor]) -> Tensor:
    """(S·b, P, 3) float64 from S sets of (b, P, 3), side after side, axis by axis in memory."""
    axes = [planar(points) for points in sides]
    return (axes[0] if len(axes) == 1 else torch.cat(axes)).transpose(1, 2)
