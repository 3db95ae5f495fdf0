"""Every error ehpsbench raises on purpose.

EhpsbenchError
├── InputError          data or a flag that cannot be used
│   ├── MissingFiles    files of a release that should be there
│   ├── RefusedPickle   a pickle that names a class outside the allow-list
│   └── UnknownName     a dataset, benchmark, board or recipe that does not exist
├── MissingBody         a body-model file that is needed and not at hand
├── BodyMismatch        numbers or rows of two body sets that must not meet
├── StoreError          the store cannot be read or written
├── Stopped             somebody asked for it; the same command goes on
└── WorkerDied          a process that worked on something is no more

A message says what was expected, what was found, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "BodyMismatch",
    "EhpsbenchError",
    "InputError",
    "MissingBody",
    "MissingFiles",
    "RefusedPickle",
    "Stopped",
    "StoreError",
    "UnknownName",
    "WorkerDied",
]


class EhpsbenchError(Exception):
    """Base of all errors that are shown to the user as one message, without a traceback."""


class InputError(EhpsbenchError):
    """Data or a flag that cannot be used."""


class MissingFiles(InputError):
    """Files of a release that should be there."""


class RefusedPickle(InputError):
    """A pickle that names a class outside the allow-list; nothing in it was run."""


class UnknownName(InputError):
    """A dataset, benchmark, board or recipe that does not exist."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str]) -> UnknownName:
        """The error for `name`, with the nearest known names and where all are listed."""
        names = sorted(known)
        near = get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(names)}."
        return cls(f"There is no {kind} called {name!r}. {hint}")


class MissingBody(EhpsbenchError):
    """A body-model file that is needed and not at hand."""


class BodyMismatch(EhpsbenchError):
    """Numbers or rows of two body sets that must not meet."""


class StoreError(EhpsbenchError):
    """The store cannot be read or written."""


class WorkerDied(EhpsbenchError):
    """A process that worked on something is no more; what it had finished stays."""


class Stopped(EhpsbenchError):
    """Work that a signal ended in good order; the same command goes on with it."""

    def __init__(self, message: str, signal: int = 15) -> None:
        super().__init__(message)
        self.signal = signal

    @property
    def code(self) -> int:
        """What a shell expects of a process that the signal ended."""
        return 128 + self.signal
