"""A board: a set of benchmarks, the primary error of each, and how entries are ordered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import Field, model_validator

from ehpsbench.atomic import digest
from ehpsbench.definitions import Definition, places, read_definition
from ehpsbench.errors import UnknownName

ENTRY_POINTS = "ehpsbench.boards"


class BoardBenchmark(Definition):
    """One benchmark of a board."""

    id: str = Field(min_length=1, description="name of its protocol")
    primary: str = Field(min_length=1, description="the error column that counts")


class Board(Definition):
    """What is ranked, and on what; entries are ordered by the mean of their primary errors."""

    name: str
    version: int = 1
    title: str
    description: str = ""
    source: str = ""
    benchmarks: tuple[BoardBenchmark, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_benchmark_once(self) -> Board:
        ids = self.ids
        if len(set(ids)) < len(ids):
            raise ValueError(
                f"benchmarks named twice: {sorted({i for i in ids if ids.count(i) > 1})}"
            )
        return self

    @property
    def ids(self) -> tuple[str, ...]:
        """The benchmarks, in the board's order."""
        return tuple(b.id for b in self.benchmarks)

    @property
    def hash(self) -> str:
        """SHA-256 of all that the board says."""
        return digest(self.model_dump(mode="json"))

    @classmethod
    def of(cls, name: str, title: str, primary: Mapping[str, str]) -> Board:
        """A board made in code.

        Args:
            name: short name.
            title: in words.
            primary: benchmark → its primary error.
        """
        benchmarks = tuple(BoardBenchmark(id=b, primary=p) for b, p in primary.items())
        return cls(name=name, title=title, benchmarks=benchmarks)


def names() -> list[str]:
    """All boards: the files in boards/, and third parties' entry points."""
    return sorted(_places())


def board(name: str) -> Board:
    """The board of that name, or in that .toml file.

    Raises:
        UnknownName: there is none; says which names are near.
        InputError: the file is not a board.
    """
    if name.endswith(".toml"):
        return read_board(Path(name))
    if name not in _places():
        raise UnknownName.of("board", name, names())
    return read_board(_places()[name])


def read_board(path: Path) -> Board:
    """The board in a TOML file; its name is the file's."""
    return read_definition(Board, path, "board", name=path.stem)


@cache
def _places() -> dict[str, Path]:
    folder = Path(str(files("ehpsbench.leaderboards"))) / "boards"
    return places(folder, ENTRY_POINTS)
