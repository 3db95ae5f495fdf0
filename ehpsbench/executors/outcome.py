"""What became of one piece of work; a failure is a value, so that it stops nothing else."""

from __future__ import annotations

import pickle
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ehpsbench.errors import EhpsbenchError, WorkerDied

Watch = Callable[[Sequence[Any]], None]
"""Called every second or so with the items that were handed out and have not ended."""

TICK = 1.0  # seconds between two looks at what runs


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result, or why there is none.

    Attributes:
        result: what the work returned.
        error: what it raised, or that its process died.
    """

    result: Any = None
    error: Exception | None = None

    def get(self) -> Any:
        """The result.

        Raises:
            Exception: `error`, if there is one.
        """
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(frozen=True, slots=True)
class Task:
    """A function of a module and what all of its calls share; both are pickled."""

    work: Callable[[Any, Any], Any]
    shared: Any

    def attempt(self, item: Any) -> Outcome:
        """Work on an item; an error comes back as a value that can be pickled."""
        try:
            return Outcome(self.work(self.shared, item))
        except Exception as error:
            return Outcome(error=_portable(error))


def died(how: str, advice: str) -> Outcome:
    """The outcome of an item whose process is no more."""
    return Outcome(error=WorkerDied(f"The process that worked on it {how}. {advice}"))


def exit_in_words(code: int | None) -> str:
    """What an exit code of a process says: a signal, or a status."""
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with status {code}"


def _portable(error: Exception) -> Exception:
    """The error itself where pickle brings it back, else its words; a bug with its traceback."""
    if not isinstance(error, EhpsbenchError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # an error's own pickling can fail in any way
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
