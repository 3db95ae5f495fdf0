"""The far side of a local process: works on what its parent sends, and ends with its parent."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from ehpsbench.errors import Stopped
from ehpsbench.executors.outcome import Task


def serve(pipe: Connection[Any, Any], gpu: str | None, threads: int | None, grace: float) -> None:
    """Work on what comes until the pipe closes.

    Args:
        pipe: to the parent: a task, then items.
        gpu: the one device that this process sees; "" for none, None changes nothing.
        threads: of torch; None leaves all.
        grace: seconds to save its state in when the parent dies.
    """
    os.setsid()  # Ctrl-C in a terminal is for the parent, which then asks its workers once
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # before anything asks CUDA for its devices
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    threading.Thread(target=_end_with_parent, args=(grace,), daemon=True).start()
    try:
        task: Task = pipe.recv()
        if threads is not None and "torch" in sys.modules:  # it read OMP_NUM_THREADS long ago
            sys.modules["torch"].set_num_threads(threads)
        while True:
            outcome = task.attempt(pipe.recv())
            pipe.send(outcome)
            if isinstance(outcome.error, Stopped):
                return
    except (EOFError, BrokenPipeError):  # nothing more to do, or nobody to do it for
        return


def _end_with_parent(grace: float) -> None:
    """When the parent is gone: stop as on SIGTERM, and if that takes too long, at once."""
    parent = parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os._exit(1)
