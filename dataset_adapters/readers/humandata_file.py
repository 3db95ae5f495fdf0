"""One HumanData file (.npz or .pkl): arrays by rows, dictionaries whole, all read restrictedly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.read_once import read_once
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import Archive, load, load_npz

__all__ = ["HumanDataFile", "Rows", "holds_rows", "numbers", "opened"]

IMAGE_PATH = "image_path"


class HumanDataFile:
    """One file; `count` is how many people it has. Use `opened`, which keeps the last one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content: Mapping[str, Any] = _content(path)
        self._kept: dict[str, Any] = {}
        if IMAGE_PATH not in self._content:
            raise InputError(
                f"{path} is no HumanData file: it has no {IMAGE_PATH!r}, but "
                f"{', '.join(list(self._content)[:8]) or 'nothing'}."
            )
        self.count = self._length(IMAGE_PATH)

    def rows(self, name: str, start: int, stop: int) -> NDArray[Any] | None:
        """Rows of an array; None where the file has no such array.

        Raises:
            InputError: the array has not one row for every person.
        """
        length = self._length(name) if name in self._content else -1
        if length < 0:
            return None
        if length != self.count:
            raise InputError(
                f"{self.path}: {name!r} has {length} rows, but {IMAGE_PATH!r} has {self.count}; "
                "expected one for every person. Make the file anew, or leave the array out."
            )
        if isinstance(self._content, Archive):
            return self._content.rows(name, start, stop)
        return _array(self._content[name][start:stop])

    def value(self, name: str) -> Any:
        """A setting of the file (a flag, a text, a mask), None where it has none."""
        if name not in self._content:
            return None
        value = self._content[name]
        return value.item() if isinstance(value, np.ndarray) and value.shape == () else value

    def table(self, name: str) -> Mapping[str, Any]:
        """A dictionary of the file, such as `smplx`, `meta` or `misc`; empty where it has none."""
        if name not in self._kept:
            value = self.value(name)
            self._kept[name] = value if isinstance(value, Mapping) else {}
        table: Mapping[str, Any] = self._kept[name]
        return table

    def _length(self, name: str) -> int:
        if isinstance(self._content, Archive):
            shape = self._content.shape(name)
            return shape[0] if shape else -1
        return _length(self._content[name])


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a file: `start` to `stop`."""

    file: HumanDataFile
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def array(self, name: str) -> NDArray[Any] | None:
        """These rows of an array of the file; None where it has no such array."""
        return self.file.rows(name, self.start, self.stop)

    def entry(self, table: str, name: str) -> NDArray[Any] | None:
        """These rows of a value in a dictionary; None unless it has one for every person."""
        value = self.file.table(table).get(name)
        if value is None or _length(value) != self.file.count:
            return None
        return _array(value[self.start : self.stop])


def numbers(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values of N rows as (N, k), whatever their shape was, and (N,) which are not None."""
    here = np.ones(len(values), bool)
    if values.dtype == object:
        here = np.asarray([value is not None for value in values], bool)
        filler = np.zeros(np.shape(values[here][0]) if here.any() else ())
        values = np.asarray([v if v is not None else filler for v in values], np.float64)
    flat = values.reshape(len(values), int(np.prod(values.shape[1:], dtype=np.int64)))
    return flat.astype(np.float64), here


@read_once(1)
def opened(path: Path) -> HumanDataFile:
    """The file, with what was read of it before if it was the last one asked for."""
    return HumanDataFile(path)


def holds_rows(path: Path) -> bool:
    """Whether an .npz is HumanData, from its list of arrays; a .pkl is taken to be.

    Raises:
        InputError: it is one of the caches that look like HumanData.
    """
    return path.suffix != ".npz" or IMAGE_PATH in _archive(path)


def _content(path: Path) -> Mapping[str, Any]:
    if path.suffix == ".npz":
        return _archive(path)
    content = load(path)
    if not isinstance(content, dict):
        raise InputError(f"{path} is no HumanData file: it holds a {type(content).__name__}.")
    return content


def _archive(path: Path) -> Archive:
    archive = load_npz(path)
    cache = None
    if "slice_size" in archive and "non_sliced_data" in archive:
        cache = "a HumanDataCache of MMHuman3D (rows in slices)"
    elif "data_len" in archive and ("0" in archive or "data_strategy" in archive):
        cache = "a datalist cache of SMPLest-X (crops for one training run)"
    if cache is not None:
        raise InputError(
            f"{path} is {cache}, no annotation file. Give --root the HumanData files that it was "
            "made from (often annot/ or preprocessed_datasets/), or move the cache away."
        )
    return archive


def _array(values: Any) -> NDArray[Any]:
    """An array of a sequence; of ragged ones, or ones with gaps, an array of objects."""
    if isinstance(values, np.ndarray):
        return values
    try:
        return np.asarray(values)
    except ValueError:
        return np.asarray(values, object)


def _length(value: Any) -> int:
    """How many rows a value has; −1 for what is no sequence."""
    if isinstance(value, np.ndarray):
        return len(value) if value.ndim else -1
    return len(value) if isinstance(value, list | tuple) else -1
