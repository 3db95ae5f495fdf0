"""Runs work on the executor that the settings name, wherever that is."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from ehpsbench.executors.outcome import Outcome, Task, Watch
from ehpsbench.executors.settings import Settings
from ehpsbench.executors.settings import settings as find_settings

Shared = TypeVar("Shared")
Item = TypeVar("Item")


def run(
    work: Callable[[Shared, Item], Any],
    shared: Shared,
    items: Iterable[Item],
    executor: Settings | str = "local",
    *,
    watch: Watch | None = None,
    logs: Path | None = None,
) -> Generator[tuple[Item, Outcome]]:
    """`work(shared, item)` of every item as each ends, with what became of it.

    An item that fails, or whose process dies, costs only itself. Closing the iterator stops what
    runs: it is told so by SIGTERM and has a little time to save its state.

    Args:
        work: a function of a module; what it takes and returns is pickled.
        shared: sent to each process once.
        items: what to work on; taken as there is room.
        executor: a name, or settings.
        watch: told every second or so which items were handed out and have not ended.
        logs: folder for what jobs of a cluster print; it must be seen by all machines.

    Raises:
        InputError: the executor's package is not installed, or its cluster refuses the work.
    """
    chosen = executor if isinstance(executor, Settings) else find_settings(executor)
    module = import_module(f"ehpsbench.executors.{chosen.executor}")
    ended: Generator[tuple[Item, Outcome]] = module.run(
        Task(work, shared), items, chosen, watch, logs
    )
    with closing(ended):
        yield from ended


def results(
    ended: Generator[tuple[Item, Outcome]],
) -> Generator[tuple[Item, Any]]:
    """Items and their results; the first error ends everything.

    Raises:
        WorkerDied: a process died.
        Exception: what the work raised.
    """
    with closing(ended):
        for item, outcome in ended:
            yield item, outcome.get()
