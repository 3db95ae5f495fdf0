"""Files that many units share are parsed once, as long as they do not change."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

__all__ = ["read_once"]


def read_once(kept: int) -> Callable[[Callable[[Path], Result]], Callable[[Path], Result]]:
    """A reader that remembers what it made of the last files, by their time and size.

    What it returns is shared: callers must not change it.

    Args:
        kept: of how many files; each process keeps its own, so that large ones are best alone.
    """

    def remembering(read: Callable[[Path], Result]) -> Callable[[Path], Result]:
        @lru_cache(maxsize=kept)
        def again(path: Path, changed: int, size: int) -> Result:
            return read(path)

        @wraps(read)
        def reader(path: Path) -> Result:
            try:
                found = path.stat()
            except OSError:
                return read(path)  # which says what is wrong
            return again(path, found.st_mtime_ns, found.st_size)

        return reader

    return remembering
