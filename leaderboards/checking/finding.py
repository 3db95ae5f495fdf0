"""What is wrong with a file of a folder of results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        path: of the file, from the folder that is checked.
        rule: a word: layout, name, size, json, schema, version, entry, dataset, protocol, hash,
            rows, numbers, body, data.
        message: what was expected, what was found, what to do.
    """

    path: str
    rule: str
    message: str

    @classmethod
    def of(cls, folder: Path, path: Path, rule: str, message: str) -> Finding:
        """A finding about a path of a folder."""
        return cls(path.relative_to(folder).as_posix(), rule, message)

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}: {self.message}"
