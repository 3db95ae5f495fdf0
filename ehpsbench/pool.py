"""Units read side by side by worker processes, and handed on in their own order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from ehpsbench.dataset_adapters.release import Unit
from ehpsbench.errors import StoreError
from ehpsbench.staging import StagedUnit, stage

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet


def staged_units(
    units: Sequence[Unit], bodies: BodySet | None, staging: Path, workers: int
) -> Iterator[StagedUnit]:
    """The units in order, each as soon as it and all before it are staged.

    Args:
        units: of a release.
        bodies: the body set of its labels.
        staging: the job's folder.
        workers: processes; 1 reads here.

    Raises:
        StoreError: a worker died.
        EhpsbenchError: a unit cannot be read; those staged so far stay.
    """
    places = [StagedUnit.of(staging, unit) for unit in units]
    waiting = [i for i, place in enumerate(places) if not place.done.is_file()]
    if workers == 1 or len(waiting) < 2:
        for unit, place in zip(units, places, strict=True):
            if not place.done.is_file():
                stage(unit, bodies, place)
            yield place
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(
        min(workers, len(waiting)), context, initializer=_start_worker, initargs=(bodies,)
    ) as pool:
        pending: dict[Future[None], int] = {}
        queue = iter(waiting)
        try:
            for place in places:
                while not place.done.is_file():
                    for i in queue:
                        pending[pool.submit(_stage_in_worker, units[i], places[i])] = i
                        if len(pending) >= 2 * workers:
                            break
                    finished, _ = wait(pending, return_when=FIRST_COMPLETED)
                    for future in finished:
                        del pending[future]
                        future.result()
                yield place
        except BrokenProcessPool as error:
            raise StoreError(
                "A worker process died, perhaps of too little memory. Use fewer --workers; the "
                "same command goes on where it stopped."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_worker_bodies: BodySet | None = None  # of a worker process, set once when it starts


def _start_worker(bodies: BodySet | None) -> None:
    """Give a worker its bodies once, and one thread, as there are several workers."""
    import torch

    global _worker_bodies
    _worker_bodies = bodies
    torch.set_num_threads(1)


def _stage_in_worker(unit: Unit, place: StagedUnit) -> None:
    stage(unit, _worker_bodies, place)
