"""Printed numbers that follow from others of their row: recomputed from the printed digits.

A printed number stands for all values that round to it. One that follows from others is right
when some of those values give one that rounds to what is printed. A slip of the source is kept as
printed, and its note says what its cells give: `erratum: its cells give 120.6`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ehpsbench.errors import InputError
from ehpsbench.leaderboards.published import Cell, Column, PublishedTable, Row, published

MEANS = {
    # SMPLer-X, README: the primary errors on AGORA, EgoBody, UBody, 3DPW and EHF
    "mpe": ("agora-val", "egobody-test", "ubody-intra-test", "pw3d-test", "ehf"),
}
ERRATUM = re.compile(r"\berratum: its cells give ([+-]?\d+(?:\.\d+)?)(?=$|;)")
AGAINST = re.compile(r"(?:^|; )against ([^;]+)")
_HANDS_AND_FACE = ("left hand", "right hand", "face")
_NORMALISED = {"nmve": "mve", "nmje": "mpjpe"}


@dataclass(frozen=True, slots=True)
class Range:
    """All values that a printed number may stand for: from `low` to `high`."""

    low: Decimal
    high: Decimal

    @classmethod
    def of(cls, cell: Cell) -> Range:
        """Half a unit of the last printed digit to both sides."""
        value = Decimal(cell.printed)
        half = Decimal(5).scaleb(int(value.as_tuple().exponent) - 1)
        return cls(value - half, value + half)

    def meets(self, other: Range) -> bool:
        """True where some value is in both."""
        return self.low <= other.high and other.low <= self.high

    @property
    def middle(self) -> Decimal:
        """What the numbers give as they are printed."""
        return (self.low + self.high) / 2


@dataclass(frozen=True, slots=True)
class Checked:
    """One recomputed number.

    Attributes:
        table: where it is.
        row: whose it is.
        column: what it is.
        cell: as printed.
        gives: what its cells give, in as many digits as are printed.
        fits: that is what is printed, as far as rounding tells.
        erratum: what its note says that its cells give; None: it is not said to be a slip.
    """

    table: PublishedTable
    row: Row
    column: Column
    cell: Cell
    gives: Decimal
    fits: bool
    erratum: Decimal | None

    @property
    def fault(self) -> str:
        """What is wrong; empty where nothing is."""
        where = f"{self.table.path}, line {self.cell.line}: {self.row.entry}, {self.column.metric}"
        if self.erratum is None:
            if self.fits:
                return ""
            return f"{where} is printed as {self.cell.printed}, its cells give {self.gives}"
        if self.fits:
            return f"{where} is noted as an erratum, and fits its cells"
        if self.erratum != self.gives:
            return f"{where} is noted to give {self.erratum}, its cells give {self.gives}"
        return ""


def check_means(tables: Sequence[PublishedTable] | None = None) -> tuple[Checked, ...]:
    """Recompute every printed number that follows from others, where all of them are there.

    These are means over benchmarks (MPE), AGORA's whole-body errors (body + a third of both hands
    and face) and normalised ones (error / F1), and differences to another row.

    Args:
        tables: which; None: all of the package.

    Raises:
        InputError: a number does not fit its cells and is not noted as an erratum, or is noted as
            one and fits; says all of them.
    """
    found = [c for t in (published() if tables is None else tables) for c in _checked(t)]
    if faults := [c.fault for c in found if c.fault]:
        raise InputError(f"Published numbers that do not follow: {'; '.join(faults)}.")
    return tuple(found)


def errata(tables: Sequence[PublishedTable] | None = None) -> tuple[Checked, ...]:
    """The recorded slips of the sources."""
    return tuple(c for c in check_means(tables) if c.erratum is not None)


def _checked(table: PublishedTable) -> Iterator[Checked]:
    for row, column, cell in table.cells:
        expected = _expected(table, row, column, cell)
        noted = ERRATUM.search(cell.note)
        if expected is None:
            if noted:
                raise InputError(
                    f"{table.path}, line {cell.line}: an erratum of a number that follows from no "
                    "others in the table."
                )
            continue
        yield Checked(
            table,
            row,
            column,
            cell,
            expected.middle.quantize(Decimal(cell.printed)),
            expected.meets(Range.of(cell)),
            Decimal(noted[1]) if noted else None,
        )


def _expected(table: PublishedTable, row: Row, column: Column, cell: Cell) -> Range | None:
    """What the other cells give; None where it follows from none, or one is not there."""
    if against := AGAINST.search(cell.note):
        return _against(table, row, column, against[1])
    if column.metric in MEANS:
        return _mean(row, column)
    if column.metric in _NORMALISED:
        return _normalised(row, column)
    if column.metric in _NORMALISED.values() and column.part == "all":
        return _whole(row, column)
    return None


def _mean(row: Row, column: Column) -> Range | None:
    """The mean over benchmarks of the one error that the row has of each."""
    kind = (column.part, column.unit)
    found = {c.benchmark: x for c, x in row.cells.items() if (c.part, c.unit) == kind}
    cells = [found[b] for b in MEANS[column.metric] if b in found]
    if len(cells) < len(MEANS[column.metric]):
        return None
    ranges = [Range.of(cell) for cell in cells]
    return _combined(ranges, lambda values: sum(values, Decimal()) / len(values))


def _whole(row: Row, column: Column) -> Range | None:
    """AGORA: body + (left hand + right hand + face) / 3."""
    parts = [_same(row, column, part=part) for part in ("body", *_HANDS_AND_FACE)]
    if any(cell is None for cell in parts):
        return None
    ranges = [Range.of(cell) for cell in parts if cell is not None]
    return _combined(ranges, lambda v: v[0] + sum(v[1:], Decimal()) / len(_HANDS_AND_FACE))


def _normalised(row: Row, column: Column) -> Range | None:
    """AGORA: the error over F1, which the server rounds to the two digits that it prints."""
    error = _same(row, column, metric=_NORMALISED[column.metric])
    f1 = _same(row, column, metric="f1", part="", unit="1")
    if error is None or f1 is None:
        return None
    divisor = Decimal(f1.printed)
    return _combined([Range.of(error)], lambda v: v[0] / divisor)


def _against(table: PublishedTable, row: Row, column: Column, other: str) -> Range | None:
    """The difference to another row, or its change in percent for a metric called …_change."""
    change = column.metric.endswith("_change")
    metric = column.metric.removesuffix("_change").removesuffix("_gain")
    base = next((r for r in table.rows if r.entry == other), None)
    own = _named(row, column, metric)
    theirs = None if base is None else _named(base, column, metric)
    if own is None or theirs is None:
        return None
    a, b = Range.of(own), Range.of(theirs)
    if not change:
        return Range(a.low - b.high, a.high - b.low)
    return Range((a.low / b.high - 1) * 100, (a.high / b.low - 1) * 100)


def _combined(ranges: Sequence[Range], of: Callable[[Sequence[Decimal]], Decimal]) -> Range:
    """The range of a function that grows with all of its numbers."""
    return Range(of([r.low for r in ranges]), of([r.high for r in ranges]))


def _same(row: Row, column: Column, **other: str) -> Cell | None:
    """The cell of a row whose column differs in what is given."""
    wanted = {n: other.get(n, getattr(column, n)) for n in Column.__slots__}
    return row.cells.get(Column(**wanted))


def _named(row: Row, column: Column, metric: str) -> Cell | None:
    """The cell of a row with this metric and the column's benchmark and part, in any unit."""
    wanted = (column.benchmark, metric, column.part)
    found = (cell for c, cell in row.cells.items() if (c.benchmark, c.metric, c.part) == wanted)
    return next(found, None)
