"""What a run says of itself: log.jsonl, TensorBoard where it is installed, a word on slow data."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ehpsbench.training.log import Point, read_log, sayable, write_log
from ehpsbench.training.ranks import Ranks

Say = Callable[[str], None]
STARVED = 0.2  # share of the time spent waiting for data that is worth a word
_LONG = 5.0  # seconds of training that such a share is judged by, at least

_EVERY = 60.0  # seconds between two lines of progress


def aloud(line: str) -> None:
    """Write a line to stderr."""
    print(line, file=sys.stderr, flush=True)


def silent(line: str) -> None:
    """Say nothing: other ranks have nothing to add to the first."""


def spoken(
    say: Say, what: str, clock: Callable[[], float] = time.monotonic
) -> Callable[[int, int], None]:
    """A progress that is said in lines, each minute one: for logs, where no bar can be seen."""
    started = last = clock()
    begun: int | None = None

    def tell(done: int, total: int) -> None:
        nonlocal last, begun
        now = clock()
        begun = done if begun is None else begun
        if now - last < _EVERY or done == begun:
            return
        last = now
        left = (total - done) * (now - started) / (done - begun)
        say(f"{what}: {done:,} of {total:,}, about {max(left / 60, 1):.0f} min left.")

    return tell


@dataclass(slots=True)
class Meter:
    """What has passed since the last point of the curve.

    Attributes:
        names: of the loss terms.
        sums: of each over the steps, on the device: read only when asked.
        steps: updates.
        samples: seen.
        waited: for data [s].
        worked: on everything else [s].
    """

    names: tuple[str, ...] = ()
    sums: Tensor | None = None
    steps: int = 0
    samples: int = 0
    waited: float = 0.0
    worked: float = 0.0

    @classmethod
    def of(cls, saved: Mapping[str, Any] | None, here: Ranks) -> Meter:
        """As `told` said it, on the first rank; the others begin at nothing."""
        if saved is None:
            return cls()
        values = [math.nan if v is None else v for v in saved["losses"].values()]
        sums = torch.tensor(values, dtype=torch.float64, device=here.device) * here.first
        numbers = (saved["samples"], saved["wait_seconds"], saved["work_seconds"])
        return cls(tuple(saved["losses"]), sums, saved["steps"], *numbers)

    def add(
        self, terms: Mapping[str, Tensor], samples: int, *, waited: float, worked: float
    ) -> None:
        """Count a step."""
        values = torch.stack(list(terms.values())).double()
        self.names = tuple(terms)
        self.sums = values if self.sums is None else self.sums + values
        self.steps, self.samples = self.steps + 1, self.samples + samples
        self.waited, self.worked = self.waited + waited, self.worked + worked

    def told(self, here: Ranks) -> dict[str, Any]:
        """The same as JSON, with the losses of all ranks."""
        sums = torch.zeros(0) if self.sums is None else here.add_up(self.sums.clone())
        return {
            "losses": sayable(dict(zip(self.names, sums.tolist(), strict=True))),
            "steps": self.steps,
            "samples": self.samples,
            "wait_seconds": self.waited,
            "work_seconds": self.worked,
        }


@dataclass(slots=True)
class Journal:
    """The log of a run, a line a point of the curve."""

    folder: Path
    say: Say
    points: list[Point]
    board: Any = None
    warned: bool = False

    @classmethod
    def of(cls, folder: Path, seen: int, say: Say) -> Journal:
        """The log up to the state that the run goes on from."""
        before = read_log(folder) if seen else []
        points = [point for point in before if point["samples_seen"] <= seen]
        return cls(folder, say, points, _tensorboard(folder, seen))

    def write(
        self, seen: int, rate: float, told: Mapping[str, Any], heldout_mm: float | None
    ) -> None:
        """Add a point; a loss that is no number is null there."""
        seconds = told["wait_seconds"] + told["work_seconds"]
        sums = told["losses"].items()
        point = {
            "samples_seen": seen,
            "lr": rate,
            "losses": {n: None if total is None else total / told["steps"] for n, total in sums},
            "heldout_mpjpe_mm": heldout_mm,
            "seconds": seconds,
            "wait_seconds": told["wait_seconds"],
            "samples_per_second": told["samples"] / max(seconds, 1e-9),
        }
        self.points.append(point)
        write_log(self.folder, self.points)
        self._show(point)
        self._judge(told["wait_seconds"], seconds)

    def close(self) -> None:
        """Write out what TensorBoard still holds."""
        if self.board is not None:
            self.board.close()

    def _judge(self, waited: float, seconds: float) -> None:
        """Say once when the device waits for data."""
        if self.warned or seconds < _LONG or waited < STARVED * seconds:
            return
        self.warned = True
        self.say(
            f"Data starve the device: it waited for crops {100 * waited / seconds:.0f} % of "
            f"{seconds:.0f} s. Use more reading processes (train --workers, in a sweep --readers), "
            "a faster disk, or input.store = raw."
        )

    def _show(self, point: Point) -> None:
        if self.board is None:
            return
        values = {f"losses/{name}": value for name, value in point["losses"].items()}
        single = ("lr", "heldout_mpjpe_mm", "wait_seconds", "samples_per_second")
        values |= {name: point[name] for name in single}
        for name, value in values.items():
            if value is not None:
                self.board.add_scalar(name, value, point["samples_seen"])
        self.board.flush()


def _tensorboard(folder: Path, seen: int) -> Any:
    """A writer of TensorBoard's files; None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=seen + 1)
