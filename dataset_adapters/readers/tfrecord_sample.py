"""Writes record files of tf.train.Example."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ehpsbench.atomic import replacing
from ehpsbench.dataset_adapters.readers.tfrecord import BYTES, FLOATS, SIZED, WHOLE, masked_crc

__all__ = ["example_bytes", "save_records"]


def save_records(path: Path, examples: Iterable[Mapping[str, Any]]) -> None:
    """Write one record an example: name → list of bytes, or numbers (whole or float32)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        for example in examples:
            message = example_bytes(example)
            length = struct.pack("<Q", len(message))
            stream.write(length + struct.pack("<I", masked_crc(length)))
            stream.write(message + struct.pack("<I", 0))


def example_bytes(example: Mapping[str, Any]) -> bytes:
    """The message of one example."""
    entries = []
    for name, values in example.items():
        entry = _field(1, name.encode()) + _field(2, _feature(values))
        entries.append(_field(1, entry))
    return _field(1, b"".join(entries))


def _feature(values: Any) -> bytes:
    if isinstance(values, list):
        return _field(BYTES, b"".join(_field(1, part) for part in values))
    array = np.asarray(values).reshape(-1)
    if array.dtype.kind == "f":
        return _field(FLOATS, _field(1, array.astype("<f4").tobytes()))
    return _field(WHOLE, _field(1, b"".join(_varint(int(v) % 2**64) for v in array)))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | SIZED) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])
