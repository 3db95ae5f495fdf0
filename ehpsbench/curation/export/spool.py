"""Columns of unknown length on disk: filled a batch at a time, read back in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.errors import InputError

__all__ = ["Spool", "Texts"]

PIECE = 1 << 20  # bytes read back at once
TEXT_ROWS = 4096


class Spool:
    """An array of N rows in a file, of one type and one shape a row.

    Args:
        path: its file, made anew.
        dtype: of the values, e.g. "<f4".
        row: shape of a row.
    """

    def __init__(self, path: Path, dtype: str, row: tuple[int, ...] = ()) -> None:
        self.path, self.dtype, self.row, self.count = path, np.dtype(dtype), row, 0
        path.write_bytes(b"")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole array."""
        return (self.count, *self.row)

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        return self.count * int(np.prod(self.row, dtype=np.int64)) * self.dtype.itemsize

    def add(self, values: ArrayLike) -> None:
        """Rows behind those that are there; they take the shape of the column."""
        array = np.asarray(values)
        fitting = array.reshape(len(array), *self.row)
        with self.path.open("ab") as stream:
            stream.write(np.ascontiguousarray(fitting, self.dtype).tobytes())
        self.count += len(array)

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the array, row-major, a piece at a time."""
        with self.path.open("rb") as stream:
            while piece := stream.read(PIECE):
                yield piece


class Texts:
    """Texts of N rows in a file; read back as one array of fixed width.

    Args:
        path: its file, made anew.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        self.longest, self.filled = 1, False  # `filled`: some text is not empty
        path.write_bytes(b"")

    @property
    def dtype(self) -> np.dtype[Any]:
        """Wide enough for the longest text."""
        return np.dtype(f"<U{self.longest}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole array."""
        return (self.count,)

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        return self.count * self.dtype.itemsize

    def add(self, values: Sequence[str | None] | NDArray[Any]) -> None:
        """Texts behind those that are there; None becomes an empty one."""
        texts = ["" if value is None else str(value) for value in values]
        if broken := [text for text in texts if "\n" in text]:
            raise InputError(f"A text with a line break cannot be exported: {broken[0]!r}.")
        self.longest = max(self.longest, *map(len, texts), 1)
        self.filled = self.filled or any(texts)
        with self.path.open("a", encoding="utf-8", newline="\n") as stream:
            stream.writelines(text + "\n" for text in texts)
        self.count += len(texts)

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the array, a piece at a time."""
        with self.path.open(encoding="utf-8", newline="\n") as stream:
            while rows := [line[:-1] for line in islice(stream, TEXT_ROWS)]:
                yield np.asarray(rows, self.dtype).tobytes()
