"""One builder at a time in a folder, also when one is killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process builds here. The system drops the lock of one that died.

    Where files cannot be locked, two may cut the same people twice; nothing else is lost, as a
    shard appears whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if _locked(handle):
            for left in folder.glob(".*.tmp"):  # of a build that was killed
                left.unlink(missing_ok=True)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)
    except (ImportError, OSError):
        return False
    return True
