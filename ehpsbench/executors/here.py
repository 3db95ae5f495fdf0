"""This process, one item after another: for a debugger, and where nothing needs to be outlived."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

from ehpsbench.errors import Stopped
from ehpsbench.executors.outcome import Outcome, Task, Watch
from ehpsbench.executors.settings import Settings


def run(
    task: Task,
    items: Iterable[Any],
    settings: Settings,
    watch: Watch | None = None,
    logs: Path | None = None,
) -> Generator[tuple[Any, Outcome]]:
    """See `look_up.run`; a death is everybody's.

    Raises:
        Stopped: by a signal that an item took for itself.
    """
    for item in items:
        if watch is not None:
            watch([item])
        outcome = task.attempt(item)
        if isinstance(outcome.error, Stopped):
            raise outcome.error
        yield item, outcome
