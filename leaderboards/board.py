"""A board: a set of benchmarks, the number of each that counts, and how entries are ordered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from ehpsbench.atomic import digest
from ehpsbench.definitions import Definition, places, read_definition
from ehpsbench.errors import InputError, UnknownName
from ehpsbench.evaluation.protocol import NumberFacts, protocol

ENTRY_POINTS = "ehpsbench.boards"
RENAMED = {"mpe": "ehps-five", "hand-mpe": "ehps-hands"}

Direction = Literal["lower", "higher"]
Apart = Literal["body_set", "protocol_hash", "in_domain"]
Takes = Literal["everybody", "single datasets", "mixes"]
SIGN = {"lower": 1.0, "higher": -1.0}


class BoardBenchmark(Definition):
    """One column of a board."""

    id: str = Field(min_length=1, description="name of the column")
    protocol: str = Field(min_length=1, description="what it is scored by; default: the id")
    primary: str = Field(min_length=1, description="the number of the result that is shown")
    direction: Direction = Field(default="lower", description="which way it is better")
    counts: bool = Field(default=True, description="in the order; else it is only shown")

    @model_validator(mode="before")
    @classmethod
    def _scored_by_its_name(cls, given: Any) -> Any:
        return {"protocol": given.get("id"), **given} if isinstance(given, dict) else given


class Board(Definition):
    """What is ranked, and on what."""

    name: str
    version: int = 1
    title: str
    description: str = ""
    source: str = ""
    order: Literal["mean", "rank"] = Field(
        default="mean",
        description="entries are ordered by the mean of their numbers, or, where sizes or units "
        "differ, by the mean of their ranks",
    )
    never_mix: tuple[Apart, ...] = Field(
        default=("body_set", "protocol_hash", "in_domain"),
        description="body_set, protocol_hash: results that differ in it are refused; in_domain: "
        "readings without what trained an entry stand beside the order",
    )
    takes: Takes = Field(default="everybody", description="who is ranked")
    benchmarks: tuple[BoardBenchmark, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_column_once(self) -> Board:
        ids = self.ids
        if len(set(ids)) < len(ids):
            raise ValueError(
                f"benchmarks named twice: {sorted({i for i in ids if ids.count(i) > 1})}"
            )
        if not self.counted:
            raise ValueError("no benchmark counts, so that nobody can be ordered")
        ways = {b.direction for b in self.benchmarks if b.counts}
        if self.order == "mean" and len(ways) > 1:
            raise ValueError(
                "the mean of numbers that are better lower and higher means nothing; order = "
                '"rank" takes the mean of ranks'
            )
        return self

    @property
    def ids(self) -> tuple[str, ...]:
        """The columns, in the board's order."""
        return tuple(b.id for b in self.benchmarks)

    @property
    def counted(self) -> tuple[str, ...]:
        """The columns that make the order."""
        return tuple(b.id for b in self.benchmarks if b.counts)

    @property
    def protocols(self) -> tuple[str, ...]:
        """What must be evaluated for the board, each once."""
        return tuple(dict.fromkeys(b.protocol for b in self.benchmarks))

    @property
    def needed(self) -> tuple[str, ...]:
        """What must be evaluated for a place on the board, each once."""
        return tuple(dict.fromkeys(b.protocol for b in self.benchmarks if b.counts))

    @property
    def score(self) -> str:
        """What entries are ordered by, in a word."""
        if self.order == "rank":
            return "mean rank"
        if len(self.counted) == 1:
            return next(b.primary for b in self.benchmarks if b.counts)
        return "MPE" if self.direction == "lower" else "mean primary score"

    def score_in(self, unit: str) -> str:
        """The same where the unit is known: MPE is a mean of errors in millimetres, no other."""
        return "mean error" if self.score == "MPE" and unit != "mm" else self.score

    @property
    def direction(self) -> Direction:
        """Which way the order's number is better."""
        if self.order == "rank":
            return "lower"
        return next(b.direction for b in self.benchmarks if b.counts)

    @property
    def hash(self) -> str:
        """SHA-256 of all that the board says."""
        return digest(self.model_dump(mode="json"))

    @classmethod
    def of(cls, name: str, title: str, primary: Mapping[str, str], **fields: Any) -> Board:
        """A board made in code.

        Args:
            name: short name.
            title: in words.
            primary: benchmark → its primary error, better lower.
            **fields: others of the board.
        """
        benchmarks = tuple(BoardBenchmark(id=b, protocol=b, primary=p) for b, p in primary.items())
        return cls(name=name, title=title, benchmarks=benchmarks, **fields)


def names() -> list[str]:
    """All boards: the files in boards/, and third parties' entry points."""
    return sorted(_places())


def board(name: str) -> Board:
    """The board of that name, or in that .toml file.

    Raises:
        UnknownName: there is none; says which names are near.
        InputError: the file is not a board, or it asks for numbers that its protocols do not make.
    """
    if name.endswith(".toml"):
        return read_board(Path(name))
    if name in RENAMED:
        raise UnknownName(f"The board {name} is now called {RENAMED[name]}.")
    if name not in _places():
        raise UnknownName.of("board", name, names())
    return read_board(_places()[name])


def read_board(path: Path) -> Board:
    """The board in a TOML file; its name is the file's."""
    found = read_definition(Board, path, "board", name=path.stem)
    columns_of(found)
    return found


def columns_of(board: Board) -> dict[str, NumberFacts]:
    """Column → unit and direction of its number.

    Raises:
        UnknownName: a protocol does not exist, or makes no such number.
        InputError: a direction is not the number's, or a mean would be of several units.
    """
    found = {b.id: protocol(b.protocol).facts_of(b.primary) for b in board.benchmarks}
    for b in board.benchmarks:
        if found[b.id].better != b.direction:
            raise InputError(
                f"The board {board.name} says that {b.primary} on {b.id} is better "
                f"{b.direction}; it is better {found[b.id].better}. Correct its direction."
            )
    units = {found[i].unit for i in board.counted}
    if board.order == "mean" and len(units) > 1:
        raise InputError(
            f"The board {board.name} would take the mean of numbers in {', '.join(sorted(units))}. "
            'Let order = "rank", or let some only be shown (counts = false).'
        )
    return found


@cache
def _places() -> dict[str, Path]:
    folder = Path(str(files("ehpsbench.leaderboards"))) / "boards"
    return places(folder, ENTRY_POINTS)
