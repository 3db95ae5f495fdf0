"""Files of a release: JSON, and tables of one small file a frame; errors that name the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from ehpsbench.collector import uncollected
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.restricted_pickle import load

Floats = NDArray[np.float64]


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        MissingFiles: it is not there.
        InputError: it is not whole JSON.
    """
    try:
        return parsed_json(path.read_bytes())
    except FileNotFoundError as error:
        raise MissingFiles(f"{path} is not there; is the release complete?") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not whole JSON ({error}); download it again.") from error


def parsed_json(text: bytes) -> Any:
    """What JSON text says, as `json.loads` has it, in about a third of its time.

    Raises:
        ValueError, RecursionError: it is not JSON, in the words of `json`.
    """
    with uncollected():
        try:
            return from_json(text)
        except ValueError:  # broken, or what `json` alone takes: UTF-16, half a surrogate, …
            return json.loads(text)


def read_pickle(path: Path) -> Any:
    """What a pickle of Python 2 or 3 holds, by the restricted unpickler (text as latin1)."""
    return load(path, encoding="latin1")


def read_frames(
    paths: Sequence[Path],
    sizes: Mapping[str, int | None],
    read: Callable[[Path], Any] = read_pickle,
) -> dict[str, Floats]:
    """Parameters of N files, one person and frame each.

    Args:
        paths: (N,) files.
        sizes: key → how many numbers; None: as many as the first file has (e.g. how many hand
            components), the same in all.
        read: file → mapping; `read_pickle`, `read_json`, `load_npz`, …

    Returns:
        By key (N, size).

    Raises:
        InputError: a file lacks a key or holds another number of values; names it.
    """
    table: dict[str, Floats] = {}
    known = dict(sizes)
    for row, path in enumerate(paths):
        content = read(path)
        for key, size in known.items():
            values = _numbers(content, key, size, path)
            if key not in table:
                known[key] = len(values)
                table[key] = np.empty((len(paths), len(values)))
            table[key][row] = values
    return table or {key: np.empty((0, size or 0)) for key, size in sizes.items()}


def _numbers(content: Any, key: str, size: int | None, path: Path) -> Floats:
    try:
        values = np.asarray(content[key], np.float64).reshape(-1)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        found = ", ".join(map(str, content)) if isinstance(content, Mapping) else type(content)
        raise InputError(
            f"{path}: expected numbers under {key!r}, found {found} "
            f"({type(error).__name__}: {error}). Is it the file that the card describes?"
        ) from error
    if size is not None and len(values) != size:
        raise InputError(f"{path}: {key!r} has {len(values)} values, expected {size}.")
    return values


def save_json(path: Path, content: Any) -> None:
    """Write JSON; arrays become lists, NumPy's numbers plain ones, NaN stays NaN."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, default=_plain), encoding="utf-8")


def save_npz(path: Path, **arrays: Any) -> None:
    """Write an npz, objects pickled as the owners' NumPy does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=True, **arrays)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no place in JSON")
