"""What a name in a pickle may stand for: a builder, a plain value, or nothing (a refusal)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Constant", "Global", "Inert", "Lookup", "Pending", "Refusal", "shown"]

Builder = Callable[[tuple[Any, ...]], Any]


class Refusal(Exception):
    """A name outside the table; the reader turns it into `RefusedPickle` with the file's name."""


@dataclass(frozen=True, slots=True)
class Global:
    """A listed class or function: its full name and, where it may be called, our builder."""

    name: str
    build: Builder | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """A listed name that stands for a plain value, such as pandas.NA for None."""

    value: Any


@dataclass(frozen=True, slots=True)
class Inert:
    """What is left of an object whose content is of no use here: the name of its class."""

    name: str


@dataclass(slots=True, eq=False)
class Pending:
    """An object that gets its content with the BUILD opcode, and the memo slots that hold it."""

    finish: Callable[[Any], Any]
    slots: list[int] = field(default_factory=list)


Lookup = Callable[[str, str], Global | Constant]


def shown(value: Any) -> str:
    """What a value is called in a message."""
    return value.name if isinstance(value, Global | Inert) else type(value).__name__
