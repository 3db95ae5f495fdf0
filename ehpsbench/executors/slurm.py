"""Jobs of a Slurm cluster, through submitit; each machine must see the store and this package."""

from __future__ import annotations

import pickle
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ehpsbench.atomic import replacing
from ehpsbench.errors import InputError
from ehpsbench.executors.outcome import TICK, Outcome, Task, Watch, died
from ehpsbench.executors.settings import Settings

LOGS = Path("slurm-jobs")
POLL = 5 * TICK  # squeue is asked no more often


@dataclass(frozen=True, slots=True)
class Job:
    """What a job runs; the task lies in a file that all jobs share."""

    task: Path

    def __call__(self, item: Any) -> Outcome:
        """Work on an item."""
        task: Task = pickle.loads(self.task.read_bytes())
        return task.attempt(item)

    def checkpoint(self, item: Any) -> Any:
        """Slurm's time limit or preemption: the same again, which goes on where it was saved."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, item)


def run(
    task: Task,
    items: Iterable[Any],
    settings: Settings,
    watch: Watch | None = None,
    logs: Path | None = None,
) -> Generator[tuple[Any, Outcome]]:
    """See `look_up.run`; when this process is stopped in order, its jobs are cancelled."""
    folder = (logs or LOGS).resolve()
    executor = _executor(settings, folder)
    job = Job(folder / "slurm" / "task.pkl")
    with replacing(job.task) as temporary:
        temporary.write_bytes(pickle.dumps(task))
    waiting = iter(items)
    running: list[tuple[Any, Any]] = []
    try:
        while True:
            while settings.workers is None or len(running) < settings.workers:
                try:
                    item = next(waiting)
                except StopIteration:
                    break
                running.append((item, executor.submit(job, item)))
            if not running:
                return
            ended = [pair for pair in running if pair[1].done()]
            for pair in ended:
                running.remove(pair)
                yield pair[0], _outcome(pair[1])
            if watch is not None:
                watch([item for item, _ in running])
            if not ended:
                time.sleep(TICK if settings.cluster != "slurm" else POLL)
    finally:
        for _, left in running:
            left.cancel()


def _outcome(job: Any) -> Outcome:
    """What a job that ended brought back, or how it died."""
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        found: Outcome = job.result()
    except (FailedJobError, UncompletedJobError):
        return died(
            f"(Slurm job {job.job_id}, {job.state}) ended without a result",
            f"Its output: {job.paths.stderr}. Others went on; the same command goes on with it.",
        )
    return found


def _executor(settings: Settings, folder: Path) -> Any:
    try:
        import submitit
    except ImportError as error:
        raise InputError(
            "The executor slurm needs the package submitit, which is not installed: "
            "pip install 'ehpsbench[slurm]'."
        ) from error
    try:
        executor = submitit.AutoExecutor(folder=folder / "slurm", cluster=settings.cluster)
        executor.update_parameters(**_parameters(settings))
    except (RuntimeError, NameError, ValueError) as error:
        raise InputError(
            f"Slurm cannot be used from here: {error} Run this where sbatch is, or use --executor "
            "local."
        ) from error
    return executor


def _parameters(settings: Settings) -> dict[str, Any]:
    """The settings as submitit calls them; what is not given is left to the cluster."""
    given = {
        "name": "ehpsbench",
        "timeout_min": settings.minutes,
        "gpus_per_node": round(settings.gpus or 0) or None,
        "cpus_per_task": settings.cpus,
        "mem_gb": settings.memory_gb,
        "slurm_partition": settings.partition,
        "slurm_account": settings.account,
        "slurm_qos": settings.qos,
        "slurm_setup": list(settings.setup) or None,
        "slurm_additional_parameters": dict(settings.extra) or None,
    }
    return {name: value for name, value in given.items() if value is not None}
