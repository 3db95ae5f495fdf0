"""Error columns of bodies: points are taken once for all errors on them, both hands at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from ehpsbench.evaluation.mesh.points import Figures, Pair
from ehpsbench.evaluation.mesh.rules import ErrorColumn
from ehpsbench.metrics.blocks import over_blocks
from ehpsbench.metrics.point_error import length_of_planes, millimetres, root_shift
from ehpsbench.metrics.rigid_alignment import Moments, residual
from ehpsbench.metrics.workspace import Workspace

# Points of all people that are aligned together, and of those that every step works on at a time:
# with fewer the calls cost more than the arithmetic, with more every step waits for memory. Eight
# and four people on SMPL-X with hands and face (benchmarks/mesh_metrics.py --block --tile).
BLOCK = 140_000
TILE = 42_000
FEW = 256  # points of a person: sets of joints, of which a block holds more people
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


@dataclass(frozen=True, slots=True)
class _Part:
    """What is found on one set of points.

    Attributes:
        pairs: how the points are taken; one, or one of each side.
        centred: names of a column of each side, and (S, B, 3) what is taken off every difference;
            None: nothing.
        aligned: names of a column of each side.
        size: points of a person.
    """

    pairs: list[Pair]
    centred: list[tuple[list[str], Tensor | None]]
    aligned: list[list[str]]
    size: int

    @classmethod
    def of(cls, errors: list[list[Column]], pred: Figures, true: Figures) -> _Part:
        """Of errors on the same points, a column or one of each side each."""
        pairs = [column.pair for column in errors[0]]
        names = [[column.name for column in sides] for sides in errors]
        free = [sides[0].error.root == "none" for sides in errors]
        return cls(
            pairs,
            [
                (name, _shifts(sides, pred, true))
                for name, sides, moves in zip(names, errors, free, strict=True)
                if not moves
            ],
            [name for name, moves in zip(names, free, strict=True) if moves],
            len(pairs) * pairs[0].true.points(true.of(slice(1))).shape[1],
        )

    def planes(self, pred: Figures, true: Figures, room: Workspace) -> Tensor:
        """(2, S·b, 3, P) predicted and true points, side after side, axis by axis in memory."""
        people = len(true.vertices)
        made = room.take(2, len(self.pairs) * people, 3, self.size // len(self.pairs))
        for side, pair in enumerate(self.pairs):
            rows = slice(side * people, (side + 1) * people)
            made[0, rows].copy_(pair.pred.points(pred).transpose(1, 2))
            made[1, rows].copy_(pair.true.points(true).transpose(1, 2))
        return made


def column_errors(
    columns: Sequence[Column],
    pred: Figures,
    true: Figures,
    seen: Seen | None = None,
    block: int = BLOCK,
    *,
    tile: int = TILE,
) -> dict[str, Tensor]:
    """Score every column; PVE and MPJPE are one arithmetic, and so are both after alignment.

    Args:
        columns: none of motion.
        pred: B predicted bodies, one or more.
        true: B true bodies.
        seen: says of (b, P, 3) true points of the people in a slice of the B which ones count,
            (b, P); None: all of them.
        block: points that are aligned together.
        tile: points that every step works on at a time.

    Returns:
        (B,) float64 of each column, by its name; NaN where it is not defined.
    """
    parts = [_Part.of(errors, pred, true) for errors in _parts(columns)]
    found: dict[str, Tensor] = {}
    for few in (False, True):
        group = [part for part in parts if (part.size < FEW) == few]
        if group:
            found |= _group_errors(group, (pred, true), seen, block=block, tile=tile)
    return found


def _parts(columns: Sequence[Column]) -> list[list[list[Column]]]:
    """Errors (a column each, or one of each side) that are on the same points, part by part."""
    errors = [list(sides) for _, sides in groupby(columns, key=lambda c: c.error.name)]
    parts: dict[tuple[str | None, ...], list[list[Column]]] = {}
    for sides in errors:
        key = (sides[0].error.points, *(column.side for column in sides))
        parts.setdefault(key, []).append(sides)
    return list(parts.values())


def _group_errors(
    parts: list[_Part],
    figures: tuple[Figures, Figures],
    seen: Seen | None,
    *,
    block: int,
    tile: int,
) -> dict[str, Tensor]:
    """(B,) errors on some sets of points, by name; the people in blocks, a thread each."""
    rooms: list[Workspace] = []
    pred, true = figures
    on_cpu = true.vertices.device.type == "cpu"

    def of_block(_: Tensor, people: Tensor) -> dict[str, list[Tensor]]:
        first, end = int(people[0]), int(people[-1]) + 1
        room = _taken(rooms, people.device)
        with room.frame():
            tiles = []
            for part in parts:
                size = max(1, tile // part.size) if on_cpu else len(people)
                for start in range(first, end, size):
                    rows = slice(start, min(start + size, end))
                    tiles.append(_tile(part, pred, true, rows, seen, room))
            found = _together(tiles)
        rooms.append(room)
        return found

    people = torch.arange(len(true.vertices), device=true.vertices.device)
    size = max(1, block // sum(part.size for part in parts))
    blocks = over_blocks(of_block, people, size=size)
    return {
        name: millimetres(torch.cat([few for found in blocks for few in found[name]]))
        for name in blocks[0]
    }


def _taken(rooms: list[Workspace], device: torch.device) -> Workspace:
    """One that no thread uses now."""
    try:
        return rooms.pop()  # asking first whether there is one would leave time for another thread
    except IndexError:
        return Workspace(device)


@dataclass(frozen=True, slots=True)
class _Tile:
    """A part of a few people, whose planes fit the cache.

    Attributes:
        part: what is taken off them.
        planes: (2, S·b, 3, P) points, less their means where there are moments [m].
        counted: (S·b, P) which points count; None: all.
        found: (b,) errors without alignment, by name [m].
        moments: for those with it; None: there is none.
    """

    part: _Part
    planes: Tensor
    counted: Tensor | None
    found: dict[str, Tensor]
    moments: Moments | None


def _tile(
    part: _Part, pred: Figures, true: Figures, rows: slice, seen: Seen | None, room: Workspace
) -> _Tile:
    planes = part.planes(pred.of(rows), true.of(rows), room)
    counted = None
    if seen is not None:
        sides = planes[1].transpose(1, 2).chunk(len(part.pairs))
        counted = torch.cat([seen(points, rows) for points in sides])
    found: dict[str, Tensor] = {}
    for names, shifts in part.centred:
        shift = None if shifts is None else shifts[:, rows].flatten(0, 1)
        values = length_of_planes(planes, counted, shift, room)
        found |= dict(zip(names, values.chunk(len(names)), strict=True))
    moments = Moments.of(planes) if part.aligned else None
    return _Tile(part, planes, counted, found, moments)


def _together(tiles: list[_Tile]) -> dict[str, list[Tensor]]:
    """(b,) errors of each tile, by name [m]; all are aligned in one go."""
    found: dict[str, list[Tensor]] = {}
    for tile in tiles:
        for name, values in tile.found.items():
            found.setdefault(name, []).append(values)
    moving = [(tile, tile.moments) for tile in tiles if tile.moments is not None]
    if not moving:
        return found
    fits = Moments.together([moments for _, moments in moving]).similarity()
    sizes = [len(moments.count) for _, moments in moving]
    for (tile, _), fit in zip(moving, fits.split(sizes), strict=True):
        sides = residual(tile.planes, fit, tile.counted).chunk(len(tile.part.pairs))
        for names in tile.part.aligned:
            for name, values in zip(names, sides, strict=True):
                found.setdefault(name, []).append(values)
    return found


def _shifts(sides: list[Column], pred: Figures, true: Figures) -> Tensor | None:
    """(S, B, 3) difference of the roots of each side [m]; None where points stay in place."""
    given = [
        root_shift(column.pair.pred.roots(pred), column.pair.true.roots(true), len(true.vertices))
        for column in sides
    ]
    known = [shift for shift in given if shift is not None]
    return torch.stack(known) if known else None
