"""Several processes of one run, started by `torchrun`; a process alone is rank 0 of 1.

Gradients are added up after the backward pass, not within it as DistributedDataParallel does: a
rank that runs out of memory can then say so before the others wait for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed

from ehpsbench.devices import device_named

_BUCKET = 1 << 24  # numbers sent at once
_PATIENCE = timedelta(days=1)  # the first rank cuts crops while the others wait


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those of the run.

    Attributes:
        rank: of this process.
        world: how many there are.
        device: of this process.
    """

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """True for the one process that writes files."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """The rows of a batch that are this process's."""
        return slice(self.rank * count // self.world, (self.rank + 1) * count // self.world)

    def add_up(self, values: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.world > 1:
            distributed.all_reduce(values)
        return values

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Which of the flags are raised in one process or more; no GPU is waited for."""
        if self.world == 1:
            return flags
        raised = torch.tensor(flags, dtype=torch.int32)
        distributed.all_reduce(raised, distributed.ReduceOp.MAX)
        return tuple(bool(flag) for flag in raised.tolist())

    def add_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Give every process the sum of all gradients."""
        if self.world == 1:
            return
        for bucket in _buckets([p.grad for p in parameters if p.grad is not None]):
            flat = torch.cat([gradient.flatten() for gradient in bucket])
            distributed.all_reduce(flat)
            sizes = [gradient.numel() for gradient in bucket]
            for gradient, piece in zip(bucket, torch.split(flat, sizes), strict=True):
                gradient.copy_(piece.view_as(gradient))

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.world > 1:
            distributed.barrier()


ALONE = Ranks(0, 1, torch.device("cpu"))


def _buckets(gradients: list[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    for gradient in gradients:
        bucket.append(gradient)
        if sum(g.numel() for g in bucket) >= _BUCKET:
            yield bucket
            bucket = []
    if bucket:
        yield bucket


@contextmanager
def ranks(device: str | None = None) -> Iterator[Ranks]:
    """The processes that `torchrun` started, connected until the block ends.

    Args:
        device: "cpu" or "cuda"; default: a GPU when there is one, each process its own.
    """
    rank, world, local = (
        int(os.environ.get(name, default))
        for name, default in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0))
    )
    place = _place(device, local if world > 1 else None)
    if world == 1:
        yield Ranks(0, 1, place)
        return
    # What lies in the processes' memory, as flags do, goes past the GPUs.
    backend = "cpu:gloo,cuda:nccl" if place.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield Ranks(rank, world, place)
    finally:
        distributed.destroy_process_group()


def _place(device: str | None, local: int | None) -> torch.device:
    place = torch.device(device_named(device or "auto"))
    if place.type == "cuda" and local is not None:
        place = torch.device("cuda", local)
        torch.cuda.set_device(place)
    return place
