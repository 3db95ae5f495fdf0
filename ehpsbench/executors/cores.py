"""How many cores each of the pieces of work that share a machine may use beside its own."""

from __future__ import annotations

import os

from ehpsbench.executors.local import places, visible_gpus
from ehpsbench.executors.settings import Settings


def readers_each(settings: Settings) -> int | None:
    """Processes that may read ahead for each piece of work; 0 where no GPU waits for them.

    Returns:
        None: only the machine where it will run can tell; there, `readers_here` does.
    """
    if settings.gpus == 0:
        return 0
    if settings.executor in ("slurm", "ray"):
        return settings.cpus
    if not visible_gpus():
        return 0
    side = len(places(settings)) if settings.executor == "local" else 1
    return settings.cpus or max(_cores() // side, 1)


def device_of(settings: Settings) -> str | None:
    """Where pieces of work will run, "cuda" or "cpu"; None: only the cluster can tell."""
    if settings.gpus == 0:
        return "cpu"
    if settings.executor == "ray":
        return None
    own = settings.gpus if settings.executor == "slurm" else visible_gpus()
    return "cuda" if own else "cpu"


def readers_here() -> int:
    """The same for one piece of work that has this process's cores to itself."""
    import torch

    return _cores() if torch.cuda.is_available() else 0


def _cores() -> int:
    """Those that this process may use, where the system tells; a cluster gives a part of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
