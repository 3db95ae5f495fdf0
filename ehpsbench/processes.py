"""One piece of work after another, spread over processes of this machine."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from ehpsbench.errors import StoreError

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")


def completed(
    work: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item], workers: int
) -> Generator[tuple[Item, Result]]:
    """`work(shared, item)` of every item, as each ends.

    The first error ends everything; so does closing the iterator. What runs at that moment is
    finished, what waits is not begun. Items are taken only as workers become free.

    Args:
        work: a function of a module; what it takes and returns is pickled.
        shared: sent to each process once.
        items: what to work on.
        workers: processes, one thread of torch each; 1 works here, with all threads.

    Raises:
        StoreError: a process died.
        Exception: what `work` raised.
    """
    if workers == 1:
        for item in items:
            yield item, work(shared, item)
        return
    waiting = iter(items)
    pending: dict[Future[Any], Item] = {}
    context = worker_context(work.__module__)
    with ProcessPoolExecutor(workers, context, _start, (work, shared)) as pool:
        try:
            while True:
                for item in itertools.islice(waiting, 2 * workers - len(pending)):
                    pending[pool.submit(_work, item)] = item
                if not pending:
                    return
                ended, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield pending.pop(future), future.result()
        except BrokenProcessPool as error:
            raise StoreError(
                "A worker process died, perhaps of too little memory. Use fewer --workers; the "
                "same command goes on where it stopped."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def worker_context(module: str) -> BaseContext:
    """How worker processes start: all from one import of torch and of the first asked-for module.

    That import lives as long as this program, in a process that has no GPU, so that the workers of
    a second pool are there at once, and yet hold nothing of the first.
    """
    if sys.platform != "linux":  # libraries of macOS do not survive a fork
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([m for m in ("torch", module) if m != "__main__"])
    return context


_task: tuple[Callable[[Any, Any], Any], Any] | None = None  # of a worker process


def _start(work: Callable[[Any, Any], Any], shared: Any) -> None:
    """Keep what all items need; one thread, as there are several workers."""
    import torch

    global _task
    _task = work, shared
    torch.set_num_threads(1)
    end_with_parent()


def end_with_parent() -> None:
    """Let this process end when the one that started it was killed; it would wait for ever."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _work(item: Any) -> Any:
    assert _task is not None
    work, shared = _task
    return work(shared, item)
