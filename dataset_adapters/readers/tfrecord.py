"""TensorFlow's record files of tf.train.Example, without TensorFlow.

A record is its length (8 bytes), a checksum of that, the message, and a checksum of the message.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingFiles

__all__ = ["Example", "crc32c", "masked_crc", "read_records"]

Example = Mapping[str, "list[bytes] | NDArray[Any]"]
HEADER = struct.Struct("<QI")
TRAILER = 4  # bytes: the checksum of the message, which is not checked: pictures are large
BYTES, FLOATS, WHOLE = 1, 2, 3  # fields of tf.train.Feature
VARINT, EIGHT, SIZED, FOUR = 0, 1, 2, 5  # wire types of protocol buffers


def read_records(path: Path) -> Iterator[Example]:
    """The records of a file, one after the other: name of a feature → bytes, or numbers.

    Raises:
        MissingFiles: it is not there.
        InputError: it is no such file, or ends within a record.
    """
    try:
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise MissingFiles(f"{path} is not there; is the release complete?") from error
    left = path.stat().st_size
    with stream:
        while left:
            message = _message(stream, left, path)
            left -= HEADER.size + len(message) + TRAILER
            try:
                yield _example(message)
            except (LookupError, ValueError, StopIteration) as error:
                raise InputError(
                    f"{path} holds a record that is no tf.train.Example ({error})."
                ) from error


def _message(stream: BinaryIO, left: int, path: Path) -> memoryview:
    head = stream.read(HEADER.size)
    length, said = HEADER.unpack(head) if len(head) == HEADER.size else (left, 0)
    if said != masked_crc(head[:8]) or length > left - HEADER.size - TRAILER:
        raise InputError(f"{path} is not a whole TFRecord file; download it again.")
    message = stream.read(length)
    stream.read(TRAILER)
    return memoryview(message)


def _example(message: memoryview) -> dict[str, list[bytes] | NDArray[Any]]:
    """Example { features: Features { feature: map<string, Feature> } }."""
    found: dict[str, list[bytes] | NDArray[Any]] = {}
    for features in _children(message, 1):
        for entry in _children(features, 1):
            name = bytes(next(_children(entry, 1))).decode()
            for feature in _children(entry, 2):
                found[name] = _feature(feature)
    return found


def _feature(message: memoryview) -> list[bytes] | NDArray[Any]:
    values: list[bytes] | NDArray[Any] = []
    for number, kind, content in _fields(message):
        if kind != SIZED or number not in (BYTES, FLOATS, WHOLE):
            raise ValueError(f"an unknown kind {number} of feature")
        if number == BYTES:
            values = [bytes(part) for part in _children(content, 1)]
            continue
        parts = []
        for _, form, part in _fields(content):
            packed = form in (SIZED, VARINT)
            parts.append(_varints(part) if number == WHOLE else np.frombuffer(part, "<f4"))
            if not packed and number == WHOLE:
                raise ValueError("whole numbers of a fixed size")
        values = np.concatenate(parts) if parts else np.empty(0)
    return values


def _children(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """Contents of the length-delimited fields with a number."""
    for number, kind, content in _fields(message):
        if number == wanted and kind == SIZED:
            yield content


def _fields(message: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Number, wire type and bytes of each field of a message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == VARINT:
            end = _varint(message, at)[1]
        elif kind == SIZED:
            size, at = _varint(message, at)
            end = at + size
        elif kind in (EIGHT, FOUR):
            end = at + (8 if kind == EIGHT else 4)
        else:
            raise ValueError(f"wire type {kind}")
        if end > len(message):
            raise ValueError("a field goes past the end of its message")
        yield key >> 3, kind, message[at:end]
        at = end


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number does not end")


def _varints(content: memoryview) -> NDArray[np.int64]:
    """Packed numbers; negative ones are the two's complement in ten bytes."""
    raw = np.frombuffer(content, np.uint8)
    if not len(raw):
        return np.empty(0, np.int64)
    ends = np.flatnonzero(raw < 128)
    if not len(ends) or ends[-1] != len(raw) - 1:
        raise ValueError("a number does not end")
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(len(raw)) - np.repeat(starts, ends - starts + 1)
    if place.max() > 9:
        raise ValueError("a number of more than ten bytes")
    parts = (raw & 127).astype(np.uint64) << (7 * place).astype(np.uint64)
    return np.bitwise_or.reduceat(parts, starts).astype(np.int64)


def masked_crc(data: bytes) -> int:
    """The checksum of a record file: CRC-32C, turned by 15 bits, plus a constant."""
    value = crc32c(data)
    return (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), bit by bit: for the few bytes of a length."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF
