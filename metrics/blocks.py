"""Values in portions that the cache holds, such as pixels or people, on all threads of torch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import TypeVar

import torch
from torch import Tensor

# A few float64 temporaries of this many values stay in the cache, which those of whole maps do
# not; with fewer values, calling torch's operations takes as long as what they do.
BLOCK = 65_536
SHARING = threading.Lock()
Result = TypeVar("Result")


def over_blocks(
    function: Callable[..., Result], *values: Tensor, scratch: int = 0, size: int | None = None
) -> list[Result]:
    """What `function` makes of each portion of some values, in order, on all threads of torch.

    The portions are the same for any number of threads, and so are the results.

    Args:
        function: of float64 scratch (scratch, n), to be written over, and the portions (n,).
        *values: (N,) each.
        scratch: rows of it.
        size: values of a portion; None: what the cache holds.
    """
    count = max(len(values[0]), 1)
    on_cpu = values[0].device.type == "cpu"
    size = min(count, size or BLOCK) if on_cpu else count
    threads = min(torch.get_num_threads(), -(-count // size))
    rooms = [values[0].new_empty((scratch, size), dtype=torch.float64) for _ in range(threads)]

    def of_portion(*portion: Tensor) -> Result:
        room = rooms.pop()
        try:
            return function(room[:, : len(portion[0])], *portion)
        finally:
            rooms.append(room)

    portions = [torch.split(x, size) for x in values]
    if threads == 1:
        shared = on_cpu and torch.get_num_threads() > 1  # its sums would depend on how many
        with _one_thread_each() if shared else nullcontext():
            return [of_portion(*portion) for portion in zip(*portions, strict=True)]
    with _one_thread_each(), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(of_portion, *portions))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Keep torch from sharing out an operation, which wants all cores free at each of them."""
    with SHARING:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
