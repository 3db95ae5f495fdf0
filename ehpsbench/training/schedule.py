"""What happens when, in samples seen: the learning rate, the points of the curve, the batches."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn, optim

from ehpsbench.training.recipe import Budget, Optimiser


@dataclass(frozen=True, slots=True)
class Schedule:
    """Where a run stands still: at the points of its curve, and at its end or rung.

    Attributes:
        budget: of the recipe; the learning rate falls over the whole of it.
        end: samples at which this call stops.
        marks: samples seen at the points of the curve.
    """

    budget: Budget
    end: int
    marks: frozenset[int]

    @classmethod
    def of(cls, budget: Budget, points: int, until: int | None) -> Schedule:
        """The schedule up to a rung, which is moved to the end of its batch."""
        whole, size = budget.samples_seen, budget.batch
        end = whole if until is None else min(math.ceil(until / size) * size, whole)
        return cls(budget, end, frozenset(curve(whole, size, points)))

    def size(self, seen: int) -> int:
        """Samples of the next batch; the budget may cut the last one short."""
        return min(self.budget.batch, self.budget.samples_seen - seen)


def learning_rate(settings: Optimiser, seen: int, budget: int) -> float:
    """Linear warm-up, then a cosine from `lr` to `min_lr` over the rest of the budget."""
    if seen < settings.warmup_samples:
        return settings.lr * (seen + 1) / (settings.warmup_samples + 1)
    share = (seen - settings.warmup_samples) / max(budget - settings.warmup_samples, 1)
    swing = (1 + math.cos(math.pi * min(share, 1.0))) / 2
    return settings.min_lr + (settings.lr - settings.min_lr) * swing


def curve(budget: int, size: int, points: int) -> set[int]:
    """Samples seen at the points of the learning curve: whole batches, the last at the budget."""
    steps = math.ceil(budget / size)
    marks = {math.ceil(steps * point / points) for point in range(1, points + 1)}
    return {min(mark * size, budget) for mark in marks}


def optimiser_of(network: nn.Module, settings: Optimiser) -> optim.Optimizer:
    """Adam or AdamW over all of the network's parameters."""
    kind = optim.AdamW if settings.name == "adamw" else optim.Adam
    return kind(
        network.parameters(),
        lr=settings.lr,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        fused=True,
    )
