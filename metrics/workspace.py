"""Memory that is written over again and again: fresh pages cost more than the arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class Workspace:
    """Float64 tensors of one thread, one behind the other in memory that grows to what is needed.

    Args:
        device: of the tensors.
    """

    __slots__ = ("_memory", "_used", "_views")

    def __init__(self, device: torch.device | None = None) -> None:
        self._memory = torch.empty(0, dtype=torch.float64, device=device)
        self._used = 0
        self._views: dict[tuple[int, tuple[int, ...]], Tensor] = {}

    def take(self, *shape: int) -> Tensor:
        """A tensor that holds anything, one's own until the frame ends that it was taken in."""
        place = (self._used, shape)
        self._used += math.prod(shape)
        if place not in self._views:
            self._views[place] = self._room()[place[0] : self._used].view(shape)
        return self._views[place]

    @contextmanager
    def frame(self) -> Iterator[None]:
        """What is taken within may be taken again afterwards."""
        before = self._used
        try:
            yield
        finally:
            self._used = before

    def _room(self) -> Tensor:
        if self._used > len(self._memory):  # tensors taken before keep the memory that they are in
            self._memory = self._memory.new_empty(self._used)
            self._views.clear()
        return self._memory
