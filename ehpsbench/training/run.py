"""What a run is asked for, what it is made with, and what its steps share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ehpsbench.training.cells import Cell
from ehpsbench.training.checkpoint import save_state
from ehpsbench.training.heldout import Check
from ehpsbench.training.journal import Meter, Say
from ehpsbench.training.learner import Learner
from ehpsbench.training.parts import Order
from ehpsbench.training.ranks import Ranks
from ehpsbench.training.schedule import Schedule
from ehpsbench.training.signals import Request

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store
    from ehpsbench.training.mix import Mix
    from ehpsbench.training.recipe import Recipe

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What is to be trained, on what, from where and how far; see `loop.train`."""

    store: Store
    cell: Cell
    mix: Mix
    recipe: Recipe
    bodies: BodySet
    until: int | None
    weights: Path | None
    start_from: str | Path | None
    replace: bool


@dataclass(frozen=True, slots=True)
class Resources:
    """With what a run is made; but for rounding, it does not change what is learnt."""

    device: str | None
    threads: int | None
    micro_batch: int | None
    workers: int
    save_minutes: float
    compile: bool
    progress: Progress | None
    say: Say


@dataclass(slots=True)
class Run:
    """What the steps of one run share; states and log lie in `folder`."""

    cell: Cell
    recipe: Recipe
    resources: Resources
    here: Ranks
    stop: Request
    schedule: Schedule
    folder: Path
    order: Order
    learner: Learner
    check: Check

    def save(self, meter: Meter, seen: int) -> None:
        """Write the state after `seen` samples; every process has to come here."""
        about = {
            "samples_seen": seen,
            "micro_batch": self.learner.micro,
            "meter": meter.told(self.here) if meter.steps else None,
        }
        if self.here.first:
            learner = self.learner
            save_state(self.folder, learner.network, learner.optimiser, self.cell, about)
