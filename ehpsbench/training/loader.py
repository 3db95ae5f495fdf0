"""Batches of a mix, read ahead by other processes; batch i is a pure function of i."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from ehpsbench.errors import EhpsbenchError, StoreError
from ehpsbench.processes import end_with_parent, worker_context
from ehpsbench.training.cache import Progress
from ehpsbench.training.codec import decoded
from ehpsbench.training.crops import CropSize
from ehpsbench.training.data import Portion, Samples, portion
from ehpsbench.training.mix import Mix, draws
from ehpsbench.training.ranks import ALONE, Ranks
from ehpsbench.training.recipe import Input
from ehpsbench.training.shards import Arrays, Reader

Indices = NDArray[np.intp]
_AT_ONCE = 1 << 20  # draws that are planned together


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a run, in samples.

    Attributes:
        start: seen before it.
        stop: seen after it; the last batch may be short.
        batch: samples of a batch, over all ranks.
    """

    start: int
    stop: int
    batch: int


@dataclass(frozen=True, slots=True)
class _Request:
    """The people of one batch: part of the mix, row of it, shard and place in it, each (n,)."""

    part: Indices
    row: Indices
    shard: NDArray[np.int32]
    place: NDArray[np.int32]


def loader(
    parts: Sequence[Samples],
    mix: Mix,
    stream: Sequence[int],
    span: Span,
    *,
    here: Ranks = ALONE,
    workers: int = 0,
) -> Iterator[Portion]:
    """This rank's share of the batches of a run.

    Whatever `workers`, and wherever a run goes on, the same samples come; the shares of all ranks
    side by side are the whole batch.

    Args:
        parts: the rows to learn from, dataset by dataset as in the mix; cut by `prepare`.
        mix: how they are mixed.
        stream: seeds of the order.
        span: which samples of the run.
        here: this process among those that share a batch; for a GPU, crops are put into pinned
            memory, from where it copies faster.
        workers: processes that read ahead; 0 reads here.

    Raises:
        InputError: rows have no crops yet.
        StoreError: a shard is broken, or a worker died.
    """
    requests = _requests(parts, mix, stream, span, here)
    shelf = _Shelf([part.reader for part in parts], parts[0].plan.settings)
    if workers == 0:
        for request in requests:
            yield _portion(shelf[request], request)
        return
    ahead: list[_Request] = []

    def remembered() -> Iterator[_Request]:
        for request in requests:
            ahead.append(request)
            yield request

    for found in _read_ahead(shelf, remembered(), workers, pin=here.device.type == "cuda"):
        yield _portion(found, ahead.pop(0))


def prepare(
    parts: Sequence[Samples],
    mix: Mix,
    stream: Sequence[int],
    budget: int,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> None:
    """Cut the crops that the first `budget` samples of a run need, and no others.

    Args:
        parts: the rows to learn from, dataset by dataset as in the mix.
        mix: how they are mixed.
        stream: seeds of the order.
        budget: samples of the run.
        workers: processes.
        progress: called with (people done, people to cut), dataset by dataset.
    """
    drawn = [np.zeros(len(part), bool) for part in parts]
    sizes = [len(part) for part in parts]
    for start in range(0, budget, _AT_ONCE):
        if all(rows.all() for rows in drawn):
            break
        which, row = draws(mix, sizes, stream, start, min(_AT_ONCE, budget - start))
        for i, rows in enumerate(drawn):
            rows[row[which == i]] = True
    for part, rows in zip(parts, drawn, strict=True):
        part.cut(np.flatnonzero(rows), workers=workers, progress=progress)


def _requests(
    parts: Sequence[Samples], mix: Mix, stream: Sequence[int], span: Span, here: Ranks
) -> Iterator[_Request]:
    sizes = [len(part) for part in parts]
    for first in range(span.start, span.stop, span.batch):
        count = min(span.batch, span.stop - first)
        mine = here.share(count)
        which, row = (found[mine] for found in draws(mix, sizes, stream, first, count))
        shard, at = np.empty((2, len(which)), np.int32)
        for i in np.unique(which):
            of_part = which == i
            shard[of_part], at[of_part] = parts[i].places(row[of_part])
        yield _Request(which, row, shard, at)


class _Shelf(Dataset[Any]):
    """Requests → crops and arrays; what a worker process needs to read them, and no more."""

    def __init__(self, readers: Sequence[Reader], settings: Input) -> None:
        self._readers, self._settings = readers, settings

    def __getitem__(self, request: _Request) -> Any:
        try:
            return self._read(request)
        except EhpsbenchError as error:
            return error  # raised where it is read, without a worker's traceback

    def _read(self, request: _Request) -> tuple[torch.Tensor, Arrays]:
        size, count = CropSize.of(self._settings), len(request.row)
        crops = np.empty((count, size.height, size.width, 3), np.uint8)
        arrays: Arrays = {}
        for i in np.unique(request.part):
            here = request.part == i
            reader = self._readers[i]
            pictures, found = reader.read(request.shard[here], request.place[here])
            crops[here] = decoded(pictures, self._settings)
            for name, values in found.items():
                if name not in arrays:
                    arrays[name] = np.empty((count, *values.shape[1:]), values.dtype)
                arrays[name][here] = values
        return torch.from_numpy(crops), arrays  # a tensor, as it goes through shared memory


def _read_ahead(
    shelf: _Shelf, requests: Iterator[_Request], workers: int, *, pin: bool
) -> Iterator[Any]:
    ahead = DataLoader(
        shelf,
        batch_size=None,
        sampler=requests,
        num_workers=workers,
        collate_fn=_as_it_is,
        worker_init_fn=_begin,
        pin_memory=pin,
        multiprocessing_context=worker_context(__name__),
        generator=torch.Generator(),  # else the global one would move on with the workers
    )
    try:
        yield from ahead
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise StoreError(
            "A process that reads crops ahead died, perhaps of too little memory. Use fewer "
            "--workers; the same command goes on from the last saved state."
        ) from error


def _begin(_number: int) -> None:
    end_with_parent()


def _as_it_is(found: Any) -> Any:
    return found


def _portion(found: Any, request: _Request) -> Portion:
    if isinstance(found, Exception):
        raise found
    crops, arrays = found
    return portion(crops.numpy(), arrays, request.part, request.row)
