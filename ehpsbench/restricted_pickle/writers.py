"""Write pickles in the dialects of the datasets' owners, for miniature sample releases."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle.encoder import Call, Encoder, Name, Persistent
from ehpsbench.restricted_pickle.tensors import MAGIC, PROTOCOL, STORAGES

__all__ = ["dump_cuda_tensors", "dump_frame_pandas1", "dump_plain", "dump_python2"]

Target = str | os.PathLike[str]
PLAIN_TYPES = {bool: np.bool_, int: np.int64, float: np.float64}


def dump_plain(value: Any, path: Target) -> None:
    """Write a plain pickle (protocol 4) as Python 3 with NumPy 1 does."""
    _save(path, Encoder(4).encode(value))


def dump_python2(value: Any, path: Target) -> None:
    """Write a pickle as Python 2 does: byte strings, to be read with encoding="latin1"."""
    _save(path, Encoder(2, python2=True).encode(value))


def dump_frame_pandas1(columns: Mapping[str, Sequence[Any] | NDArray[Any]], path: Target) -> None:
    """Write a DataFrame as pandas 1.5 does (protocol 5); pandas itself is not needed.

    Args:
        columns: name → N values; numbers and truth values as such, all else as objects.
        path: the file to write.

    Raises:
        InputError: the columns differ in length.
    """
    arrays = {name: _column(values) for name, values in columns.items()}
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"The columns of a frame must have one length; they have {lengths}.")
    names = list(arrays)
    kinds = sorted({array.dtype for array in arrays.values()}, key=str)
    blocks = tuple(
        _block([n for n, name in enumerate(names) if arrays[name].dtype == kind], arrays, kind)
        for kind in kinds
    )
    axes = [_labels(names), _range(next(iter(lengths.values()), 0))]
    _save(path, Encoder(5).encode(_frame(blocks, axes)))


def _column(values: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
    """(N,) values of one type; anything but numbers and truth values is an object."""
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "biuf":
        return values
    kinds = {type(value) for value in values}
    if len(kinds) == 1 and (kind := kinds.pop()) in PLAIN_TYPES:
        return np.array(values, dtype=PLAIN_TYPES[kind])
    plain = (str(value) if isinstance(value, np.str_) else value for value in values)
    return np.fromiter(plain, dtype=object, count=len(values))


def _block(places: list[int], arrays: Mapping[str, NDArray[Any]], kind: np.dtype[Any]) -> Call:
    columns = list(arrays.values())
    values = np.empty((len(places), len(columns[places[0]])), dtype=kind)
    for row, place in enumerate(places):
        values[row] = columns[place]
    placement = np.array(places, dtype=np.int64)
    return Call(Name("pandas._libs.internals", "_unpickle_block"), (values, placement, 2))


def _new_index(module: str, kind: str, content: dict[str, Any]) -> Call:
    index = Name(f"pandas.core.indexes.{module}", kind)
    new = Name("pandas.core.indexes.base", "_new_Index")
    return Call(new, (index, {**content, "name": None}))


def _labels(names: list[str]) -> Call:
    data = np.fromiter(names, dtype=object, count=len(names))
    return _new_index("base", "Index", {"data": data})


def _range(length: int) -> Call:
    return _new_index("range", "RangeIndex", {"start": 0, "stop": length, "step": 1})


def _frame(blocks: tuple[Call, ...], axes: list[Call]) -> Call:
    state = {
        "_mgr": Call(Name("pandas.core.internals.managers", "BlockManager"), (blocks, axes)),
        "_typ": "dataframe",
        "_metadata": [],
        "attrs": {},
        "_flags": {"allows_duplicate_labels": True},
    }
    return Call(Name("pandas.core.frame", "DataFrame"), (), state, new=True)


def dump_cuda_tensors(values: Mapping[str, NDArray[Any]], path: Target) -> None:
    """Write a dict of torch tensors that lie on the first GPU, as pickle.dump does.

    Args:
        values: name → array of floats, integers or truth values, of any shape.
        path: the file to write.
    """
    tensors = {name: _tensor(np.asarray(value), str(n)) for n, (name, value) in _each(values)}
    _save(path, Encoder(4).encode(tensors))


def _each(values: Mapping[str, NDArray[Any]]) -> list[tuple[int, tuple[str, NDArray[Any]]]]:
    return list(enumerate(values.items()))


def _tensor(value: NDArray[Any], key: str) -> Call:
    value = np.ascontiguousarray(value).reshape(value.shape)
    stride = tuple(step // value.itemsize for step in value.strides)
    hooks = Call(Name("collections", "OrderedDict"))
    raw = Call(Name("torch.storage", "_load_from_bytes"), (_memory(value, key),))
    args = (raw, 0, value.shape, stride, False, hooks)
    return Call(Name("torch._utils", "_rebuild_tensor_v2"), args)


def _memory(value: NDArray[Any], key: str) -> bytes:
    """The stream of torch.save before zip files: five pickles, then the raw memory."""
    kinds = {np.dtype(code): kind for kind, code in STORAGES.items() if kind != "BFloat16Storage"}
    kind = kinds.get(value.dtype.newbyteorder("<"))
    if kind is None:
        raise InputError(f"torch has no tensors of {value.dtype}; use floats or integers.")
    sizes = {"short": 2, "int": 4, "long": 4}
    system = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": sizes}
    storage = ("storage", Name("torch", kind), key, "cuda:0", value.size, None)
    heads = (MAGIC, PROTOCOL, system, Persistent(storage), [key])
    pickles = b"".join(Encoder(2).encode(head) for head in heads)
    return pickles + struct.pack("<q", value.size) + value.astype(value.dtype, "C").tobytes()


def _save(path: Target, raw: bytes) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(raw)
