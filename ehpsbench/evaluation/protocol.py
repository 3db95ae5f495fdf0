"""A protocol says exactly how a benchmark is scored; its hash is printed with each number.

A benchmark is a protocol on its data (`agora-val`), or the same rules on another dataset of the
store: `ehf@my-studio` or `ehf@my-studio@test` (protocol@dataset@split).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from ehpsbench.atomic import digest
from ehpsbench.definitions import Definition, faults, places, read_definition
from ehpsbench.errors import InputError, UnknownName

ENTRY_POINTS = "ehpsbench.protocols"


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """What a number of a result is in.

    Attributes:
        unit: `mm`, `%`, `degrees`, …; `1` for shares and ratios.
        better: which way it is better.
    """

    unit: str
    better: Literal["lower", "higher"]


class Protocol(Definition):
    """What the rules of every task say; `task` names the room of ehpsbench.evaluation that scores.

    Attributes:
        name: the file's, or `protocol@dataset@split`.
        version: raised when a number changes.
        title: a few words.
        about: what is particular, in prose.
        source: the official code that it follows.
        dataset: whose data are scored, by default.
        split: which of its splits.
        unit: of the primary number.
        primary: the number that counts.
        better: which way it is better.
    """

    name: str
    task: str
    version: int = Field(ge=1)
    title: str
    about: str
    source: str
    dataset: str
    split: str
    unit: str
    primary: str
    better: Literal["lower", "higher"] = "lower"

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of all that the protocol says."""
        return digest(self.model_dump(mode="json"))

    def facts_of(self, number: str) -> NumberFacts:
        """Unit and direction of a number that these rules make.

        Raises:
            UnknownName: they make no such number.
        """
        known = self.number_facts()
        if number not in known:
            raise UnknownName.of(f"number of {self.name}", number, known)
        return known[number]

    def number_facts(self) -> dict[str, NumberFacts]:
        """Unit and direction of each number; every task says its own."""
        return {self.primary: NumberFacts(self.unit, self.better)}


def tasks() -> list[str]:
    """What can be scored: the rooms of ehpsbench.evaluation that have rules."""
    folder = Path(str(files("ehpsbench.evaluation")))
    return sorted(path.parent.name for path in folder.glob("*/rules.py"))


class _Task(Definition):
    """The one field of a protocol file that says how to read the others."""

    model_config = ConfigDict(extra="ignore")

    task: str


def names() -> list[str]:
    """All protocols: the files in protocols/, and third parties' entry points."""
    return sorted(_places())


def protocol(benchmark: str) -> Protocol:
    """The protocol of a benchmark.

    Args:
        benchmark: a protocol's name, `name@dataset`, `name@dataset@split`, or a .toml file.

    Raises:
        UnknownName: there is no such protocol; says which names are near.
        InputError: the file is not a protocol.
    """
    if benchmark.endswith(".toml"):
        return read_protocol(Path(benchmark))
    name, *data = benchmark.split("@")
    if name not in _places():
        raise UnknownName.of("benchmark", name, names())
    rules = _known(name)
    if not data:
        return rules
    place = dict(zip(("dataset", "split"), data, strict=False))
    if len(data) > 2 or not all(data):
        raise InputError(f"{benchmark!r} is not a benchmark; write protocol@dataset@split.")
    return rules.model_copy(update={"name": benchmark, **place})


@cache
def _known(name: str) -> Protocol:
    """Read once: a table of many entries asks for the rules of each result."""
    return read_protocol(_places()[name])


def read_protocol(path: Path) -> Protocol:
    """The protocol in a TOML file; its name is the file's."""
    rules = _rules(read_definition(_Task, path, "protocol").task, str(path))
    return read_definition(rules, path, "protocol", name=path.stem)


def rules_then(summary: Mapping[str, Any]) -> Protocol:
    """The rules that a result was made by, as it keeps them.

    Raises:
        InputError: the summary is of rules that this version does not know.
    """
    said, where = summary["protocol"], f"The result on {summary['benchmark']}"
    try:
        return _rules(str(said["task"]), where).model_validate(said)
    except ValidationError as error:
        raise InputError(f"{where} was made by rules of another version: {faults(error)}") from None


def _rules(task: str, where: str) -> type[Protocol]:
    if task not in tasks():
        raise InputError(f"{where} has the task {task!r}; known are {', '.join(tasks())}.")
    found: type[Protocol] = import_module(f"ehpsbench.evaluation.{task}.rules").RULES
    return found


@cache
def _places() -> dict[str, Path]:
    folder = Path(str(files("ehpsbench.leaderboards"))) / "protocols"
    return places(folder, ENTRY_POINTS)
