"""Files that are whole or not there: write to a temporary name, fsync, rename."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ehpsbench.errors import InputError

__all__ = [
    "canonical_json",
    "digest",
    "file_digest",
    "intact_json",
    "read_json",
    "replacing",
    "sync",
    "write_json",
    "write_text",
]

AT_ONCE = 2**18  # bytes that are hashed at once


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; renamed over `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    mode = _mode_of_new_files(temporary)
    try:
        yield temporary
        temporary.chmod(mode)  # some writers make theirs unreadable for others
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _mode_of_new_files(path: Path) -> int:
    """0666 without the umask, which cannot be asked without being set for all threads."""
    path.unlink(missing_ok=True)
    path.touch(0o666)
    mode = path.stat().st_mode & 0o777
    path.unlink()
    return mode


def write_text(path: Path, text: str) -> None:
    """Write a text file as one step."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file as one step; NaN, which JSON lacks, is an error."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path: Path, remedy: str) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is no file.

    Args:
        path: of the file.
        remedy: what to do when it is broken.

    Raises:
        InputError: it holds no JSON, or no object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise InputError(f"{path} is broken ({error}). {remedy}") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} holds {type(found).__name__}, not an object. {remedy}")
    return found


def intact_json(path: Path) -> dict[str, Any]:
    """The same for what can be made again: empty where it is missing or broken."""
    try:
        return read_json(path, "") or {}
    except InputError:
        return {}


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """SHA-256 (hex) of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    with path.open("rb", buffering=0) as stream:
        state = hashlib.sha256(stream.read(AT_ONCE))  # all of most files: no buffer between
        while more := stream.read(AT_ONCE):
            state.update(more)
        return state.hexdigest()


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
