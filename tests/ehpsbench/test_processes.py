"""Work over processes: all of it ends, the first error ends it, a dead process is named."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

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


def _who(_: None, item: int) -> tuple[int, int]:
    return os.getpid(), os.getppid()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each worker imports torch itself")
def test_workers_of_two_pools_are_others_but_come_from_one_import() -> None:
    pools = [{who for _, who in completed(_who, None, range(8), 2)} for _ in range(2)]
    first, second = ({pid for pid, _ in pool} for pool in pools)
    assert not first & second
    assert len({parent for pool in pools for _, parent in pool} - {os.getpid()}) == 1


DYING = """
import os
from multiprocessing import active_children
from ehpsbench.processes import completed

def work(shared, item):
    return item

if __name__ == "__main__":
    for _ in completed(work, None, range(1000), 2):
        print(*[child.pid for child in active_children()], flush=True)
        os.kill(os.getpid(), 9)
"""


def test_workers_whose_parent_is_killed_end_too(tmp_path: Path) -> None:
    script = tmp_path / "dying.py"
    script.write_text(DYING)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        assert parent.wait(60) == -signal.SIGKILL
        until = time.monotonic() + 30
        while any(map(_runs, workers)) and time.monotonic() < until:
            time.sleep(0.05)
        left = [pid for pid in workers if _runs(pid)]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    assert len(workers) == 2
    assert not left


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")  # one that nobody has waited for yet does not run either
    return not (state.is_file() and ") Z " in state.read_text())
