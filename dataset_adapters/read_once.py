"""Files that many units share are parsed once, as long as they do not change."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

Result = TypeVar("Result")
More = ParamSpec("More")
Reader = Callable[Concatenate[Path, More], Result]

__all__ = ["read_once"]


def read_once(kept: int) -> Callable[[Reader[More, Result]], Reader[More, Result]]:
    """A reader that remembers what it made of the last files, by their time and size.

    What it returns is shared: callers must not change it.

    Args:
        kept: of how many files; each process keeps its own, so that large ones are best alone.
    """

    def remembering(read: Reader[More, Result]) -> Reader[More, Result]:
        @lru_cache(maxsize=kept)
        def again(
            path: Path, changed: int, size: int, *args: More.args, **options: More.kwargs
        ) -> Result:
            return read(path, *args, **options)

        @wraps(read)
        def reader(path: Path, *args: More.args, **options: More.kwargs) -> Result:
            try:
                found = path.stat()
            except OSError:
                return read(path, *args, **options)  # which says what is wrong
            return again(path, found.st_mtime_ns, found.st_size, *args, **options)

        return reader

    return remembering
