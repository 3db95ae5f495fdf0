"""Numbers that others reported, with their sources; they stand beside our own, never among them."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from ehpsbench.definitions import Definition, faults
from ehpsbench.errors import InputError, UnknownName

FOLDER = Path(str(files("ehpsbench.leaderboards"))) / "published"
TITLES = "titles.toml"
CERTAINTY = {
    "C": "read in the source itself",
    "S": "quoted by somebody else",
    "P": "recalled, and not checked",
}


def _number(text: str) -> str:
    try:
        finite = Decimal(text).is_finite()
    except InvalidOperation:
        finite = False
    if not finite:
        raise ValueError(f"{text!r} is not a number as a paper prints one")
    return text


Words = Annotated[str, Field(min_length=1)]


class _Line(Definition):
    """One line of a CSV file: one cell of a published table."""

    board: Words
    entry: Words
    training: str
    benchmark: Words
    metric: Words
    part: str
    value: Annotated[str, AfterValidator(_number)]
    unit: Words
    protocol: Words
    source: Words
    certainty: Literal["C", "S", "P"]
    note: str


@dataclass(frozen=True, slots=True)
class Column:
    """What a column of a published table holds.

    Attributes:
        benchmark: where it was measured; `mean` for a mean over the table's, `model` for what the
            model is.
        metric: what was measured.
        part: of the body, or of the benchmark; may be empty.
        unit: of the values.
    """

    benchmark: str
    metric: str
    part: str
    unit: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A number as it was printed, and where.

    Attributes:
        printed: its digits.
        protocol: name of ours where the definition is the same, else in words.
        source: paper and table.
        certainty: a key of `CERTAINTY`.
        note: what to know about it; may be empty.
        line: in its CSV file.
    """

    printed: str
    protocol: str
    source: str
    certainty: Literal["C", "S", "P"]
    note: str
    line: int

    @property
    def value(self) -> float:
        """The number."""
        return float(self.printed)


@dataclass(frozen=True, slots=True)
class Row:
    """What is reported of one model: `entry`, what trained it (empty: not said), its cells."""

    entry: str
    training: str
    cells: Mapping[Column, Cell]


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A table of reported numbers.

    Attributes:
        name: its file's, without the suffix.
        board: beside which it stands.
        title: in words.
        columns: in the order of the file.
        rows: in the order of the file.
        path: of the file.
    """

    name: str
    board: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    path: Path

    @property
    def cells(self) -> Iterator[tuple[Row, Column, Cell]]:
        """All numbers, row by row."""
        return ((row, column, cell) for row in self.rows for column, cell in row.cells.items())

    @property
    def sources(self) -> tuple[str, ...]:
        """All sources, each once."""
        return tuple(dict.fromkeys(cell.source for _, _, cell in self.cells))


def published(board: str | None = None) -> tuple[PublishedTable, ...]:
    """All published tables, or those of a board; none where nothing was published for it.

    Raises:
        InputError: a file is broken; says which, and where.
    """
    return tuple(t for t in _tables(FOLDER) if board in (None, t.board))


@cache
def _tables(folder: Path) -> tuple[PublishedTable, ...]:
    return read_tables(folder)


def read_tables(folder: Path) -> tuple[PublishedTable, ...]:
    """The tables of a folder of CSV files and `titles.toml`.

    Raises:
        InputError: a file is broken, or has no title, or a title has no file.
    """
    titles = tomllib.loads((folder / TITLES).read_text(encoding="utf-8"))
    paths = {path.stem: path for path in folder.glob("*.csv")}
    for name in titles.keys() ^ paths.keys():
        raise InputError(
            f"{folder / TITLES} and the CSV files beside it must name the same tables; "
            f"{name} is only {'there' if name in titles else 'a file'}."
        )
    return tuple(read_table(paths[name], title) for name, title in titles.items())


def table(name: str) -> PublishedTable:
    """The published table of that name.

    Raises:
        UnknownName: there is none; says which names are near.
    """
    known = {one.name: one for one in published()}
    if name not in known:
        raise UnknownName.of("published table", name, known)
    return known[name]


def read_table(path: Path, title: str) -> PublishedTable:
    """The table in a CSV file.

    Raises:
        InputError: columns are others, a value is no number, a source is missing, a cell is there
            twice, or a file has two boards; says which line.
    """
    rows: dict[tuple[str, str], dict[Column, Cell]] = {}
    columns: dict[Column, None] = {}
    boards: dict[str, int] = {}
    for number, line in _lines(path):
        column = Column(line.benchmark, line.metric, line.part, line.unit)
        cells = rows.setdefault((line.entry, line.training), {})
        if column in cells:
            raise InputError(
                f"{path}, line {number}: {line.entry} has this number already, in line "
                f"{cells[column].line}."
            )
        cells[column] = Cell(
            line.value, line.protocol, line.source, line.certainty, line.note, number
        )
        columns.setdefault(column)
        boards.setdefault(line.board, number)
    if len(boards) != 1:
        where = ", ".join(f"{b} in line {n}" for b, n in boards.items()) or "none"
        raise InputError(f"{path}: a table is of one board, here are {where}.")
    found = tuple(Row(entry, training, cells) for (entry, training), cells in rows.items())
    return PublishedTable(path.stem, next(iter(boards)), title, tuple(columns), found, path)


def _lines(path: Path) -> Iterator[tuple[int, _Line]]:
    """The checked lines of a file, each with its number."""
    wanted = list(_Line.model_fields)
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            head = next(reader, [])
            if head != wanted:
                raise InputError(f"{path}, line 1: the columns must be {','.join(wanted)}.")
            for cells in reader:
                if len(cells) != len(wanted):
                    raise InputError(
                        f"{path}, line {reader.line_num}: {len(cells)} cells, {len(wanted)} wanted."
                    )
                yield (
                    reader.line_num,
                    _Line.model_validate(dict(zip(wanted, cells, strict=True))),
                )
        except ValidationError as error:
            raise InputError(f"{path}, line {reader.line_num}: {faults(error)}.") from error
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{path}, line {reader.line_num}: {error}.") from error
