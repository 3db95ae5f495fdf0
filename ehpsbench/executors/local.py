"""Processes of this machine, one for each GPU where there are some; a dead one costs its item."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from ehpsbench.executors.outcome import TICK, Outcome, Task, Watch, died, exit_in_words
from ehpsbench.executors.settings import Settings
from ehpsbench.executors.worker import serve

ADVICE = (
    "If it was for want of memory, use fewer --workers. Others went on; the same command goes on "
    "with this one."
)
END = object()


@dataclass(slots=True)
class _Worker:
    """One process and the item that it has, if any."""

    gpu: str | None
    process: SpawnProcess
    pipe: Connection[Any, Any]
    item: Any = END

    def outcome(self) -> Outcome | None:
        """What it sent, or how it died; None while it works."""
        alive = self.process.is_alive()  # asked first: its last words may be in the pipe
        try:
            if self.pipe.poll():
                found: Outcome = self.pipe.recv()
                return found
        except (EOFError, ConnectionResetError):
            self.process.join()
            alive = False
        return None if alive else died(exit_in_words(self.process.exitcode), ADVICE)


@dataclass(slots=True)
class _Pool:
    """The processes, and the places of those that are yet to start."""

    task: Task
    free: list[str | None]
    threads: int | None
    grace: float
    idle: list[_Worker] = field(default_factory=list)
    busy: list[_Worker] = field(default_factory=list)

    @classmethod
    def of(cls, task: Task, settings: Settings) -> _Pool:
        """Nothing started yet; side by side each process has one thread."""
        free = list(places(settings))
        threads = settings.cpus or (1 if len(free) > 1 else None)
        return cls(task, free, threads, settings.grace_seconds)

    def hand_out(self, waiting: Iterator[Any]) -> None:
        """An item to everybody who has none; processes are started as they are needed."""
        while self.idle or self.free:
            item = next(waiting, END)
            if item is END:
                return
            worker = self._alive() or self._start(self.free.pop(0))
            worker.item = item
            self.busy.append(worker)
            with suppress(BrokenPipeError):  # it has just died; `outcome` says so at once
                worker.pipe.send(item)

    def ended(self) -> Iterator[tuple[Any, Outcome]]:
        """Items that have ended within a second; who worked on them is idle, or replaced."""
        connection.wait([w.pipe for w in self.busy], TICK)
        for worker in list(self.busy):
            if (outcome := worker.outcome()) is not None:
                self.busy.remove(worker)
                item, worker.item = worker.item, END
                if worker.process.is_alive():
                    self.idle.append(worker)
                else:
                    worker.pipe.close()
                    self.free.append(worker.gpu)
                yield item, outcome

    def _alive(self) -> _Worker | None:
        """An idle process; one that died while it was idle makes room for a new one."""
        while self.idle:
            worker = self.idle.pop()
            if worker.process.is_alive():
                return worker
            worker.pipe.close()
            self.free.append(worker.gpu)
        return None

    def _start(self, gpu: str | None) -> _Worker:
        context = get_context("spawn")
        near, far = context.Pipe()
        given = (far, gpu, self.threads, self.grace)
        process = context.Process(target=serve, args=given, name="ehpsbench-worker")
        process.start()
        far.close()
        near.send(self.task)
        return _Worker(gpu, process, near)

    def end(self) -> None:
        """Let idle processes end, stop busy ones; who does not end in time is killed."""
        for worker in self.busy:
            worker.process.terminate()
        for worker in self.idle:
            worker.pipe.close()
        until = time.monotonic() + self.grace
        try:
            for worker in (*self.idle, *self.busy):
                worker.process.join(max(until - time.monotonic(), 0))
        finally:
            for worker in (*self.idle, *self.busy):
                worker.process.kill()
                worker.process.join()
                worker.pipe.close()
                worker.process.close()


def run(
    task: Task,
    items: Iterable[Any],
    settings: Settings,
    watch: Watch | None = None,
    logs: Path | None = None,
) -> Generator[tuple[Any, Outcome]]:
    """See `look_up.run`; a process serves one item after another and is replaced when it dies."""
    pool, waiting = _Pool.of(task, settings), iter(items)
    try:
        while True:
            pool.hand_out(waiting)
            if not pool.busy:
                return
            yield from pool.ended()
            if watch is not None:
                watch([worker.item for worker in pool.busy])
    finally:
        pool.end()


def places(settings: Settings) -> Sequence[str | None]:
    """For each process the GPU that it sees; "" hides all, None changes nothing."""
    if settings.gpus == 0:
        return [""] * (settings.workers or 1)
    gpus = visible_gpus()
    count = settings.workers or len(gpus) or 1
    return [gpus[i % len(gpus)] if gpus else None for i in range(count)]


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    said = os.environ.get("CUDA_VISIBLE_DEVICES")
    if said is not None:
        return [name.strip() for name in said.split(",") if name.strip() not in ("", "-1")]
    import torch

    return [str(i) for i in range(torch.cuda.device_count())]
