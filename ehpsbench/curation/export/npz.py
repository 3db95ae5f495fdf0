"""An .npz written piece by piece: arrays, and dictionaries of arrays, larger than memory.

The dictionaries are pickled with the names of NumPy 1: programs of that time read them.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from ehpsbench.curation.export.spool import Spool, Texts
from ehpsbench.restricted_pickle.encoder import Call, Encoder, Name

__all__ = ["NpzWriter"]

Column = Spool | Texts
EPOCH = (1980, 1, 1, 0, 0, 0)  # equal exports have equal bytes
PROTOCOL = 4  # as NumPy pickles objects


class NpzWriter:
    """Writes one .npz; use it in a `with` block."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=4)

    def __enter__(self) -> NpzWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._archive.close()

    def array(self, name: str, values: Column | Any) -> None:
        """One array: a spooled column, or anything that NumPy makes a plain array of."""
        with self._entry(name) as stream:
            if isinstance(values, Spool | Texts):
                _write_header(stream, values.shape, values.dtype)
                for piece in values.pieces():
                    stream.write(piece)
            else:
                npy.write_array(stream, np.asarray(values), allow_pickle=False)

    def table(self, name: str, content: Mapping[str, Any]) -> None:
        """A dictionary, as the array of no dimension with one object that NumPy makes of it."""
        with self._entry(name) as stream:
            _write_header(stream, (), np.dtype(object))
            for piece in _pickled(content):
                stream.write(piece)

    def _entry(self, name: str) -> IO[bytes]:
        info = zipfile.ZipInfo(f"{name}.npy", EPOCH)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        return self._archive.open(info, "w", force_zip64=True)


def _write_header(stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    header = io.BytesIO()
    described = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(header, described)
    stream.write(header.getvalue())


def _pickled(content: Mapping[str, Any]) -> Iterator[bytes]:
    """The pickle of an array of no dimension that holds a dictionary."""
    encoder = Encoder(PROTOCOL)
    encoder.write(Name("numpy.core.multiarray", "_reconstruct"))
    encoder.write((Name("numpy", "ndarray"), (0,), b"b"))
    encoder.add(b"R(")
    for part in (1, (), np.dtype(object), False):
        encoder.write(part)
    encoder.add(b"](}(")
    for key, value in content.items():
        encoder.write(key)
        if isinstance(value, Spool | Texts):
            yield from _taken(encoder)
            yield from _array(value)
        else:
            encoder.write(value)
    encoder.add(b"uetb.")
    yield from _taken(encoder)


def _array(values: Column) -> Iterator[bytes]:
    """A pickled array, its bytes in pieces."""
    encoder = Encoder(PROTOCOL)
    encoder.parts.clear()
    encoder.write(Call(Name("numpy.core.multiarray", "_reconstruct"), _EMPTY))
    encoder.add(b"(")
    for part in (1, values.shape, values.dtype, False):
        encoder.write(part)
    yield from _taken(encoder)
    yield b"\x8e" + struct.pack("<Q", values.nbytes)
    yield from values.pieces()
    yield b"tb"


_EMPTY = (Name("numpy", "ndarray"), (0,), b"b")


def _taken(encoder: Encoder) -> Iterator[bytes]:
    """What the encoder holds; it goes on empty."""
    yield b"".join(encoder.parts)
    encoder.parts.clear()
