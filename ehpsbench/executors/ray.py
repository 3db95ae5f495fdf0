"""Tasks of a Ray cluster, or of one that is started here; each machine must see the store."""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

from ehpsbench.errors import InputError
from ehpsbench.executors.outcome import TICK, Outcome, Task, Watch, died
from ehpsbench.executors.settings import Settings

ADVICE = "Others went on; the same command goes on with this one."


def run(
    task: Task,
    items: Iterable[Any],
    settings: Settings,
    watch: Watch | None = None,
    logs: Path | None = None,
) -> Generator[tuple[Any, Outcome]]:
    """See `look_up.run`; tasks end with this process, however it ends."""
    ray = _connected(settings)
    attempt = _remote(ray, settings)
    shared = ray.put(task)
    waiting, running = iter(items), dict[Any, Any]()
    most = settings.workers or math.inf
    try:
        while True:
            while len(running) < most:
                try:
                    item = next(waiting)
                except StopIteration:
                    break
                running[attempt.remote(shared, item)] = item
            if not running:
                return
            ended, _ = ray.wait(list(running), timeout=TICK)
            for reference in ended:
                yield running.pop(reference), _outcome(ray, reference)
            if watch is not None:
                watch(list(running.values()))
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
        ray.shutdown()


def _outcome(ray: Any, reference: Any) -> Outcome:
    try:
        found: Outcome = ray.get(reference)
    except ray.exceptions.RayError as error:
        first = str(error).strip().splitlines()[0]
        return died(f"died ({type(error).__name__}: {first})", ADVICE)
    return found


def _attempt(task: Task, item: Any) -> Outcome:
    return task.attempt(item)


def _remote(ray: Any, settings: Settings) -> Any:
    """The function that a worker runs, with what it may use; a GPU where the cluster has some."""
    own = 1 if ray.cluster_resources().get("GPU", 0) >= 1 else 0
    needs = {
        "num_cpus": settings.cpus or 1,
        "num_gpus": own if settings.gpus is None else settings.gpus,
        "memory": None if settings.memory_gb is None else settings.memory_gb * 2**30,
    }
    given = {name: value for name, value in needs.items() if value is not None}
    return ray.remote(max_retries=0, **given)(_attempt)


def _connected(settings: Settings) -> Any:
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "The executor ray needs the package ray, which is not installed: "
            "pip install 'ehpsbench[ray]'."
        ) from error
    address = settings.address or os.environ.get("RAY_ADDRESS")
    own = {"include_dashboard": False, "num_cpus": _cores(settings)} if address is None else {}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="error", **own)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(f"No Ray cluster answers at {address}: {error}") from error
    return ray


def _cores(settings: Settings) -> int:
    """Cores of a cluster of one's own: as many as the workers asked for take."""
    each = settings.cpus or 1
    return max(os.cpu_count() or 1, each * (settings.workers or 1))
