"""Work over processes: all of it ends, the first error ends it, a dead process is named."""

from __future__ import annotations

import itertools
import os
from contextlib import closing

import pytest

from ehpsbench.errors import InputError, StoreError
from ehpsbench.processes import completed


def _add(more: int, item: int) -> int:
    if item == 13:
        raise InputError("thirteen")
    if item == 99:
        os.kill(os.getpid(), 9)
    return item + more


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_ends_once_with_what_all_share(workers: int) -> None:
    assert sorted(completed(_add, 100, range(10), workers)) == [(i, i + 100) for i in range(10)]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_error_comes_through_as_it_is(workers: int) -> None:
    with pytest.raises(InputError, match="thirteen"):
        list(completed(_add, 0, [1, 13, 2], workers))


def test_a_worker_that_dies_is_one_clear_message() -> None:
    with pytest.raises(StoreError, match="A worker process died"):
        list(completed(_add, 0, [99, 1], 2))


@pytest.mark.parametrize("workers", [1, 2])
def test_items_are_taken_only_as_workers_become_free(workers: int) -> None:
    endless = itertools.count(100)
    with closing(completed(_add, 0, endless, workers)) as ended:
        next(ended)
    assert next(endless) <= 100 + 2 * workers
