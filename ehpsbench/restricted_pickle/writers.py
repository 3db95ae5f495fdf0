"""Pickles in the dialects of the owners, for miniature releases; no pandas, torch or Python 2.

Names of classes are written as text, so that a file says `pandas.core.frame.DataFrame` without
pandas being here.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.restricted_pickle.tensors import MAGIC, PROTOCOL, STORAGES


@dataclass(frozen=True, slots=True)
class _Name:
    """A global, by module and name."""

    module: str
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """An object: `maker(*arguments)`, or a new object of the class `maker` when `new`."""

    maker: _Name
    arguments: tuple[Any, ...] = ()
    state: Any = None
    new: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Persistent:
    """A persistent id."""

    name: tuple[Any, ...]


class _Writer(pickle._Pickler):  # type: ignore[name-defined,misc]
    """A pickler that writes `_Name` and `_Made`, and NumPy's names as NumPy 1 spelled them."""

    python2 = False

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, _Name):
            self._global(obj.module, obj.name)
        elif isinstance(obj, _Made):
            self._made(obj)
        elif self.python2 and isinstance(obj, str | bytes):
            self._python2_string(obj)
        else:
            super().save(obj, save_persistent_id)

    def persistent_id(self, obj: Any) -> Any:
        return obj.name if isinstance(obj, _Persistent) else None

    def save_global(self, obj: Any, name: str | None = None) -> None:
        module = obj.__module__.replace("numpy._core", "numpy.core")
        self._global(module, name or obj.__qualname__)
        self.memoize(obj)

    def _global(self, module: str, name: str) -> None:
        if self.proto >= 4:
            super().save(module)
            super().save(name)
            self.write(pickle.STACK_GLOBAL)
        else:
            if self.python2:
                module = {"builtins": "__builtin__", "copyreg": "copy_reg"}.get(module, module)
            self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())

    def _made(self, obj: _Made) -> None:
        self.save(obj.maker)
        self.save(obj.arguments)
        self.write(pickle.NEWOBJ if obj.new else pickle.REDUCE)
        if obj.state is not None:
            self.save(obj.state)
            self.write(pickle.BUILD)

    def _python2_string(self, obj: str | bytes) -> None:
        """`str` of Python 2, which is bytes."""
        data = obj if isinstance(obj, bytes) else obj.encode("latin1")
        if len(data) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        else:
            self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)


_Writer.dispatch = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]
_Writer.dispatch[type] = _Writer.dispatch[FunctionType] = _Writer.save_global


def dump_plain(value: Any, path: Path, *, protocol: int = 4) -> None:
    """Write builtin containers and arrays, with NumPy 1's names."""
    _write(value, path, protocol)


def dump_python2(value: Any, path: Path) -> None:
    """Write builtin containers and arrays as Python 2 did: protocol 2, text as bytes."""
    _write(value, path, 2, python2=True)


def dump_frame_pandas1(columns: Mapping[str, ArrayLike], path: Path) -> None:
    """Write a DataFrame as pandas 1.x does: protocol 5, one block for each kind of column.

    Args:
        columns: (N,) columns; lists of arrays become object columns.
        path: of the file.
    """
    arrays = {name: _column(values) for name, values in columns.items()}
    names = list(arrays)
    rows = len(next(iter(arrays.values())))
    kinds: dict[str, list[int]] = {}
    for place, array in enumerate(arrays.values()):
        kinds.setdefault(array.dtype.str, []).append(place)
    blocks = tuple(
        _Made(
            _Name("pandas._libs.internals", "_unpickle_block"),
            (np.stack([arrays[names[p]] for p in places]), np.asarray(places, np.int64), 2),
        )
        for places in kinds.values()
    )
    base = "pandas.core.indexes"
    heads = np.empty(len(names), object)
    heads[:] = names
    axes = [
        _index(_Name(f"{base}.base", "Index"), {"data": heads, "name": None}),
        _index(
            _Name(f"{base}.range", "RangeIndex"),
            {"name": None, "start": 0, "stop": rows, "step": 1},
        ),
    ]
    manager = _Made(_Name("pandas.core.internals.managers", "BlockManager"), (blocks, axes))
    state = {
        "_mgr": manager,
        "_typ": "dataframe",
        "_metadata": [],
        "attrs": {},
        "_flags": {"allows_duplicate_labels": True},
    }
    frame = _Made(_Name("pandas.core.frame", "DataFrame"), state=state, new=True)
    _write(frame, path, 5)


def dump_cuda_tensors(arrays: Mapping[str, ArrayLike], path: Path) -> None:
    """Write a dict of torch tensors as `pickle.dump` does for tensors on the first GPU."""
    tensors = {name: tensor(np.asarray(values), "cuda:0") for name, values in arrays.items()}
    _write(tensors, path, 2)


def tensor(array: NDArray[Any], location: str) -> Any:
    """What `_Writer` writes for a torch tensor with these values at "cpu" or "cuda:0"."""
    payload = _Made(_Name("torch.storage", "_load_from_bytes"), (_storage(array, location),))
    strides = tuple(s // array.itemsize for s in np.ascontiguousarray(array).strides)
    arguments = (payload, 0, array.shape, strides, False, OrderedDict())
    return _Made(_Name("torch._utils", "_rebuild_tensor_v2"), arguments)


def _storage(array: NDArray[Any], location: str) -> bytes:
    """A storage as torch's legacy save writes it."""
    names = {np.dtype(dtype): name for name, dtype in STORAGES.items()}
    storage = _Name("torch", names[array.dtype])
    machine = {
        "protocol_version": PROTOCOL,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    named = _Persistent(("storage", storage, "0", location, array.size, None))
    stream = io.BytesIO()
    for part in (MAGIC, PROTOCOL, machine, named, ["0"]):
        _Writer(stream, 2).dump(part)
    stream.write(struct.pack("<q", array.size) + np.ascontiguousarray(array).tobytes())
    return stream.getvalue()


def _index(cls: _Name, fields: dict[str, Any]) -> _Made:
    return _Made(_Name("pandas.core.indexes.base", "_new_Index"), (cls, fields))


def _column(values: ArrayLike) -> NDArray[Any]:
    """A column; text and whatever is not a plain number becomes Python objects."""
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "bifu":
        return values
    items = list(values)  # type: ignore[arg-type]
    if items and all(isinstance(item, bool | int | float | np.number) for item in items):
        return np.asarray(items)
    column = np.empty(len(items), object)
    for i, item in enumerate(items):
        column[i] = item
    return column


def _write(value: Any, path: Path, protocol: int, *, python2: bool = False) -> None:
    with path.open("wb") as stream:
        writer = _Writer(stream, protocol)
        writer.python2 = python2
        writer.dump(value)
