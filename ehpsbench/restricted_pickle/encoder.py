"""Write pickles opcode by opcode, so that they can name modules that are not installed."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Call", "Encoder", "Name", "Persistent"]


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function by name."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """An object made by calling (or, `new`, by making an empty) `target`, then given `state`."""

    target: Name
    args: tuple[Any, ...] = ()
    state: Any = None
    new: bool = False


@dataclass(frozen=True, slots=True)
class Persistent:
    """A reference to something outside the pickle."""

    key: tuple[Any, ...]


class Encoder:
    """Writes one pickle with the array names of NumPy 1; nothing is shared between values.

    Args:
        protocol: 2, 4 or 5.
        python2: text is written as byte strings, as Python 2 does.
    """

    def __init__(self, protocol: int, *, python2: bool = False) -> None:
        self.protocol, self.python2 = protocol, python2
        self.parts: list[bytes] = [b"\x80", bytes([protocol])]

    def encode(self, value: Any) -> bytes:
        """The whole pickle."""
        self.write(value)
        return b"".join([*self.parts, b"."])

    def write(self, value: Any) -> None:
        """Add the opcodes that make one value.

        Raises:
            TypeError: a value of a type that has no plain form.
        """
        _writer(type(value))(self, value)

    def add(self, *parts: bytes) -> None:
        """Add raw opcodes."""
        self.parts.extend(parts)

    def sized(self, value: bytes, short: bytes, long: bytes) -> None:
        """Bytes behind their length, with the opcode for less than 256 or for more."""
        if len(value) < 256:
            self.add(short, bytes([len(value)]), value)
        else:
            self.add(long, struct.pack("<I", len(value)), value)

    def collect(self, values: Iterable[Any], begin: bytes, end: bytes) -> None:
        """Values between an opening and a closing opcode."""
        self.add(begin)
        for value in values:
            self.write(value)
        self.add(end)


def _constant(encoder: Encoder, value: bool | None) -> None:
    encoder.add({None: b"N", True: b"\x88", False: b"\x89"}[None if value is None else bool(value)])


def _integer(encoder: Encoder, value: int) -> None:
    if 0 <= value < 1 << 8:
        encoder.add(b"K", bytes([value]))
    elif -(1 << 31) <= value < 1 << 31:
        encoder.add(b"J", struct.pack("<i", value))
    else:
        raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        encoder.sized(raw, b"\x8a", b"\x8b")


def _float(encoder: Encoder, value: float) -> None:
    encoder.add(b"G", struct.pack(">d", value))


def _text(encoder: Encoder, value: str) -> None:
    raw = value.encode()
    if encoder.python2 and value.isascii():
        encoder.sized(raw, b"U", b"T")
    elif encoder.protocol >= 4:
        encoder.sized(raw, b"\x8c", b"X")
    else:
        encoder.add(b"X", struct.pack("<I", len(raw)), raw)


def _bytes(encoder: Encoder, value: bytes) -> None:
    if encoder.python2:
        encoder.sized(value, b"U", b"T")
    elif encoder.protocol < 3:
        encoder.write(Call(Name("_codecs", "encode"), (value.decode("latin1"), "latin1")))
    elif len(value) < 1 << 32:
        encoder.sized(value, b"C", b"B")
    else:
        encoder.add(b"\x8e", struct.pack("<Q", len(value)), value)


def _bytearray(encoder: Encoder, value: bytearray) -> None:
    encoder.add(b"\x96", struct.pack("<Q", len(value)), bytes(value))


def _dict(encoder: Encoder, value: Mapping[Any, Any]) -> None:
    pairs = (part for pair in value.items() for part in pair)
    encoder.collect(pairs, b"}(", b"u")


def _name(encoder: Encoder, value: Name) -> None:
    if encoder.protocol >= 4:
        encoder.write(value.module)
        encoder.write(value.name)
        encoder.add(b"\x93")
    else:
        encoder.add(f"c{value.module}\n{value.name}\n".encode())


def _call(encoder: Encoder, value: Call) -> None:
    encoder.write(value.target)
    encoder.write(value.args)
    encoder.add(b"\x81" if value.new else b"R")
    if value.state is not None:
        encoder.write(value.state)
        encoder.add(b"b")


def _persistent(encoder: Encoder, value: Persistent) -> None:
    encoder.write(value.key)
    encoder.add(b"Q")


def _dtype(encoder: Encoder, value: np.dtype[Any]) -> None:
    encoder.add(_dtype_opcodes(value, encoder.protocol, encoder.python2))


@lru_cache(maxsize=256)
def _dtype_opcodes(value: np.dtype[Any], protocol: int, python2: bool) -> bytes:
    reduced: Any = value.__reduce__()
    _, args, state = reduced[:3]
    encoder = Encoder(protocol, python2=python2)
    encoder.parts.clear()
    encoder.write(Call(Name("numpy", "dtype"), args, _plain_state(state)))
    return b"".join(encoder.parts)


def _plain_state(state: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict(part) if isinstance(part, Mapping) else part for part in state)


def _array(encoder: Encoder, value: NDArray[Any]) -> None:
    """As NumPy does: from a buffer in protocol 5, else rebuilt and then filled."""
    value = np.asarray(value)
    contiguous = value.flags.c_contiguous and not value.dtype.hasobject
    if encoder.protocol >= 5 and contiguous:
        buffer = (bytearray(value.tobytes()), value.dtype, value.shape, "C")
        encoder.write(Call(Name("numpy.core.numeric", "_frombuffer"), buffer))
        return
    empty = (Name("numpy", "ndarray"), (0,), b"b")
    reduced: Any = value.__reduce__()
    encoder.write(Call(Name("numpy.core.multiarray", "_reconstruct"), empty, reduced[2]))


def _scalar(encoder: Encoder, value: np.generic) -> None:
    args = (value.dtype, value.tobytes())
    encoder.write(Call(Name("numpy.core.multiarray", "scalar"), args))


def _set(encoder: Encoder, value: set[Any] | frozenset[Any]) -> None:
    kind = Name("builtins" if encoder.protocol >= 3 else "__builtin__", type(value).__name__)
    encoder.write(Call(kind, (sorted(value, key=repr),)))


# The first row that fits counts: a bool is an int too, and NumPy's float64 is a float.
_WRITERS: tuple[tuple[Any, Callable[[Encoder, Any], None]], ...] = (
    ((bool, type(None)), _constant),
    (np.generic, _scalar),
    (int, _integer),
    (float, _float),
    (str, _text),
    (bytes, _bytes),
    (bytearray, _bytearray),
    (list, lambda encoder, value: encoder.collect(value, b"](", b"e")),
    (tuple, lambda encoder, value: encoder.collect(value, b"(", b"t")),
    (Mapping, _dict),
    ((set, frozenset), _set),
    (np.ndarray, _array),
    (np.dtype, _dtype),
    (Name, _name),
    (Call, _call),
    (Persistent, _persistent),
)


_FOUND: dict[type, Callable[[Encoder, Any], None]] = {}


def _writer(kind: type) -> Callable[[Encoder, Any], None]:
    if kind not in _FOUND:
        writer = next((writer for kinds, writer in _WRITERS if issubclass(kind, kinds)), None)
        if writer is None:
            raise TypeError(f"a {kind.__name__} has no plain pickled form")
        _FOUND[kind] = writer
    return _FOUND[kind]
