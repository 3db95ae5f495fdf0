"""PyTorch tensors inside plain pickles, CPU or CUDA, as NumPy arrays; no torch needed.

A tensor pickles as bytes that are themselves a stream of pickles (torch.save before zip files);
that stream is read by the same machine with a table of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.restricted_pickle import containers
from ehpsbench.restricted_pickle.machine import Machine
from ehpsbench.restricted_pickle.names import Constant, Global, Refusal

__all__ = ["MAGIC", "PROTOCOL", "STORAGES", "TABLE"]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
    "ComplexFloatStorage": "<c8",
    "ComplexDoubleStorage": "<c16",
}


@dataclass(frozen=True, slots=True)
class _Storage:
    """The flat memory of a tensor: where it stands in the stream, its type, its entries."""

    key: str
    kind: str
    values: NDArray[Any] | None = None


def _lookup(module: str, name: str) -> Global | Constant:
    if module in ("torch", "torch.cuda") and name in STORAGES:
        return Constant(name)
    if (module, name) in (("collections", "OrderedDict"), ("_codecs", "encode")):
        return containers.TABLE[module, name]
    raise Refusal(f"{module}.{name}")


def _storage_id(key: Any) -> _Storage:
    """('storage', type, key, location, entries, view): the location (cuda:0) does not matter."""
    if type(key) is not tuple or key[0] != "storage" or key[1] not in STORAGES:
        raise ValueError("a tensor with an unknown kind of memory")
    if len(key) > 5 and key[5] is not None:
        raise ValueError("a tensor that is a view of another file's memory")
    return _Storage(str(key[2]), key[1])


def _storage(args: tuple[Any, ...]) -> _Storage:
    """`torch.storage._load_from_bytes`: magic, version, system, storage, keys, then raw memory."""
    (raw,) = args
    if type(raw) is not bytes:
        raise TypeError("a tensor whose memory is not bytes")
    at, parts = 0, []
    for _ in range(5):
        machine = Machine(raw, _lookup, at=at, persistent=_storage_id)
        parts.append(machine.run())
        at = machine.at
    magic, version, system, storage, keys = parts
    if magic != MAGIC or version != PROTOCOL or not system.get("little_endian", True):
        raise ValueError("the memory of a tensor in an unknown format")
    if type(storage) is not _Storage or keys != [storage.key]:
        raise ValueError("a tensor without its memory")
    dtype = np.dtype(STORAGES[storage.kind])
    count = int.from_bytes(raw[at : at + 8], "little", signed=True)
    if count < 0 or len(raw) < at + 8 + count * dtype.itemsize:
        raise ValueError("the memory of a tensor breaks off")
    values = np.frombuffer(raw[at + 8 : at + 8 + count * dtype.itemsize], dtype)
    if storage.kind == "BFloat16Storage":
        values = (values.astype("<u4") << 16).view("<f4")
    return _Storage(storage.key, storage.kind, values)


def _tensor(args: tuple[Any, ...]) -> NDArray[Any]:
    """`_rebuild_tensor_v2(storage, offset, size, stride, …)` as a fresh C-ordered array."""
    storage, offset, size, stride = args[:4]
    if type(storage) is not _Storage or storage.values is None or len(size) != len(stride):
        raise TypeError("a tensor without its memory")
    if any(type(n) is not int or n < 0 for n in (offset, *size, *stride)):
        raise ValueError("a tensor with a broken shape")
    values = storage.values
    if 0 in size:
        return np.empty(size, values.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if last >= len(values):
        raise ValueError("a tensor that is larger than its memory")
    steps = tuple(step * values.itemsize for step in stride)
    return np.lib.stride_tricks.as_strided(values[offset:], size, steps).copy()


def _inner(args: tuple[Any, ...]) -> Any:
    return args[0]


def _typed(args: tuple[Any, ...]) -> Any:
    """`_rebuild_from_type_v2(function, type, arguments, state)`: a tensor with attributes."""
    function, _, arguments = args[:3]
    if not isinstance(function, Global) or function.build is not _tensor:
        raise TypeError("a tensor of an unknown kind")
    return _tensor(tuple(arguments))


TABLE: dict[tuple[str, str], Global | Constant] = {
    ("torch._utils", "_rebuild_tensor"): Global("torch._utils._rebuild_tensor", _tensor),
    ("torch._utils", "_rebuild_tensor_v2"): Global("torch._utils._rebuild_tensor_v2", _tensor),
    ("torch._utils", "_rebuild_parameter"): Global("torch._utils._rebuild_parameter", _inner),
    ("torch._tensor", "_rebuild_from_type_v2"): Global("torch._rebuild_from_type", _typed),
    ("torch.storage", "_load_from_bytes"): Global("torch.storage._load_from_bytes", _storage),
    ("torch", "Tensor"): Global("torch.Tensor"),
    ("torch", "Size"): Global("torch.Size", lambda args: tuple(args[0]) if args else ()),
}
