"""One process at a time: builders of crops wait for each other, a second `train` of a cell ends."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ehpsbench.errors import StoreError

if TYPE_CHECKING:
    from ehpsbench.store import Store

_held: set[tuple[Path, int, int]] = set()  # file, process and thread


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process builds here. The system drops the lock of one that died.

    Where files cannot be locked, two may cut the same people twice; nothing else is lost, as a
    shard appears whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if _locked(handle, wait=True):
            for left in folder.glob(".*.tmp"):  # of a build that was killed
                left.unlink(missing_ok=True)
        yield
    finally:
        os.close(handle)


@contextmanager
def working_on(store: Store, cell: str, patience: float = 0.0) -> Iterator[None]:
    """No other process trains or scores the cell meanwhile. A dead one holds nothing.

    Who holds it may ask again. Where files cannot be locked, nobody is kept out.

    Args:
        store: of the cell.
        cell: its id.
        patience: seconds to wait for another process.

    Raises:
        StoreError: another one is at work on it; says which.
    """
    path = store.runs / ".locks" / f"{cell}.lock"
    key = path.absolute(), os.getpid(), threading.get_ident()
    if key in _held:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _take(handle, cell, path, time.monotonic() + patience)
        _held.add(key)
        yield
    finally:
        _held.discard(key)
        os.close(handle)


def _take(handle: int, cell: str, path: Path, until: float) -> None:
    while True:
        try:
            _locked(handle, wait=False)
            break
        except BlockingIOError as error:
            if time.monotonic() >= until:
                who = path.read_text(encoding="utf-8").strip() or "another process"
                raise StoreError(
                    f"{cell} is worked on by {who}. Wait for it to end, or stop it; then run the "
                    "same command again."
                ) from error
            time.sleep(0.5)
    os.ftruncate(handle, 0)
    os.write(handle, _here().encode())


def _here() -> str:
    batch = os.environ.get("SLURM_JOB_ID")
    told = f" (Slurm job {batch})" if batch else ""
    return f"process {os.getpid()} on {socket.gethostname()}{told}"


def _locked(handle: int, *, wait: bool) -> bool:
    """Whether files can be locked here at all; BlockingIOError where another one has this one."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except (ImportError, OSError):
        return False
    return True
