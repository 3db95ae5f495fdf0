"""Training steps against the clock: those of `ehpsbench train`, and those of the published code."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from flops import wait
from published_step import People, PublishedStep, batches

from ehpsbench.body.bodies import BodySet
from ehpsbench.store import Store
from ehpsbench.training.data import Samples
from ehpsbench.training.estimate import skeleton
from ehpsbench.training.learner import Learner
from ehpsbench.training.loader import Span, loader
from ehpsbench.training.mix import Mix
from ehpsbench.training.models.network import network
from ehpsbench.training.ranks import Ranks
from ehpsbench.training.recipe import Recipe
from ehpsbench.training.schedule import optimiser_of

DATASET = "bedlam"


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured of one way: samples, seconds, seconds that it waited for data."""

    samples: int
    seconds: float
    waited: float

    @property
    def rate(self) -> float:
        """Samples a second."""
        return self.samples / self.seconds

    def __str__(self) -> str:
        return f"{self.rate:9.1f} {self.waited / self.seconds:6.1%}"


@dataclass(frozen=True, slots=True)
class Setting:
    """What both ways share."""

    store: Store
    bodies: BodySet
    device: torch.device
    workers: int
    warm: int
    steps: int


def timed(
    portions: Iterator[Any], step: Callable[[Any, int], object], size: int, setting: Setting
) -> Speed:
    """Take some steps to warm up and others that count."""
    waited = started = 0.0
    for index in range(setting.warm + setting.steps):
        if index == setting.warm:
            wait(setting.device)
            waited, started = 0.0, time.perf_counter()
        asked = time.perf_counter()
        portion = next(portions)
        waited += time.perf_counter() - asked
        step(portion, index * size)
    wait(setting.device)
    return Speed(setting.steps * size, time.perf_counter() - started, waited)


def ours(plan: Recipe, setting: Setting, compiled: bool, profile: bool) -> Speed:
    """The step of `ehpsbench train`."""
    device, size = setting.device, plan.budget.batch
    torch.manual_seed(0)
    made = network(plan).to(device)
    alone = Ranks(0, 1, device)
    learner = Learner(
        recipe=plan,
        seed=0,
        ranks=alone,
        network=made,
        ask=torch.compile(made) if compiled else made,
        optimiser=optimiser_of(made, plan.optimiser),
        skeleton=skeleton(setting.bodies),
        micro=None,
        say=print,
    )
    portions = loader(
        [_samples(plan, setting)],
        Mix(parts=(DATASET,)),
        (0, 1),
        Span(0, (setting.warm + setting.steps) * size, size),
        here=alone,
        workers=setting.workers,
    )

    def step(portion: Any, seen: int) -> None:
        learner.step(portion, seen, size)

    if not profile:
        return timed(portions, step, size, setting)
    with torch.profiler.profile() as seen:
        found = timed(portions, step, size, setting)
    order = "self_cuda_time_total" if device.type == "cuda" else "self_cpu_time_total"
    print(seen.key_averages().table(sort_by=order, row_limit=25, max_name_column_width=50))
    return found


def published(plan: Recipe, setting: Setting) -> Speed:
    """The same step as the published code takes it."""
    size, device = plan.budget.batch, setting.device
    samples = _samples(plan, setting)
    rows = np.arange(len(samples))
    body = setting.bodies.model("smplx", "neutral")
    count = (setting.warm + setting.steps) * size
    root = setting.store.release_root(DATASET)
    people = People(root, samples.read(rows), samples.take(rows), plan, body, count)
    torch.manual_seed(0)
    made = network(plan).to(device)
    adam = torch.optim.Adam(made.parameters(), lr=plan.optimiser.lr)
    step = PublishedStep(plan, made, adam, body, device)
    portions = batches(people, size, max(setting.workers, 1), device)
    return timed(portions, lambda labels, _: step(labels), size, setting)


def _samples(plan: Recipe, setting: Setting) -> Samples:
    """The people, their crops cut."""
    found = Samples.open(setting.store, DATASET, ("train",), plan.input, setting.bodies)
    found.cut()
    return found
