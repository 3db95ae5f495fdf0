"""NumPy's .npz and .npy files; object arrays in them go through the restricted reader."""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ehpsbench.errors import EhpsbenchError, InputError
from ehpsbench.restricted_pickle.reader import DAMAGE, read_pickle, unreadable

__all__ = ["Archive", "load_npy", "load_npz"]

MOST_DEFLATED = 1032  # times smaller than its content is no deflated entry
BROKEN = (*DAMAGE, zipfile.BadZipFile, zlib.error)


class Archive(Mapping[str, NDArray[Any]]):
    """The arrays of an .npz file by name; each is read when it is asked for, and not kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
        except FileNotFoundError as error:
            raise unreadable(path, error) from error
        except BROKEN as error:
            raise _damaged(path, "is not a whole .npz file", error) from error
        names = {entry.filename.removesuffix(".npy"): entry for entry in entries}
        self._entries = {name: entry.filename for name, entry in names.items()}
        self._sizes = {
            name: min(entry.file_size, MOST_DEFLATED * entry.compress_size + 64)
            for name, entry in names.items()
        }

    def __getitem__(self, name: str) -> NDArray[Any]:
        """One array, read now; object arrays of 0 dimensions stay arrays (use `.item()`)."""
        with self._opened(name) as stream:
            return _array(stream, f"{self.path}[{name}]", self._sizes[name])

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of one array, from its header alone."""
        with self._opened(name) as stream:
            return _header(stream)[0]

    def rows(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Rows `start` to `stop` of one array; what lies outside them is not kept in memory."""
        with self._opened(name) as stream:
            shape, by_column, dtype = _header(stream)
            if not shape or by_column or dtype.hasobject:
                return self[name][start:stop]
            count = max(min(stop, shape[0]) - start, 0)
            row = dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
            if count * row == 0:
                return np.empty((count, *shape[1:]), dtype)
            stream.seek(start * row, os.SEEK_CUR)
            raw = stream.read(count * row)
            if len(raw) < count * row:
                raise EOFError("it ends early")
            if start + count == shape[0]:
                stream.read(1)  # the zip entry compares its checksum at its end
            return np.frombuffer(raw, dtype).reshape(count, *shape[1:])

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        """The stream of one array; what goes wrong while it is read names file and array."""
        entry = self._entries.get(name)
        if entry is None:
            raise InputError(f"{self.path} has no array {name!r}; it has {', '.join(self)}.")
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(entry) as stream:
                yield stream
        except EhpsbenchError:
            raise
        except BROKEN as error:
            raise _damaged(self.path, f"has a broken array {name!r}", error) from error

    def __contains__(self, name: object) -> bool:
        """Whether there is an array of that name, without reading it."""
        return name in self._entries

    def get(self, name: str, default: Any = None) -> Any:
        """The array of that name, or `default` where there is none."""
        if name not in self:
            return default
        return self[name]

    def __iter__(self) -> Iterator[str]:
        """The names of the arrays."""
        return iter(self._entries)

    def __len__(self) -> int:
        """How many arrays there are."""
        return len(self._entries)


def load_npz(path: str | os.PathLike[str]) -> Archive:
    """The arrays of an .npz file, read one by one when asked for; code in it is never run.

    Raises:
        InputError: not a zip file, truncated; or, later, a name that it does not hold.
        MissingFiles: there is no such file.
    """
    return Archive(Path(path))


def load_npy(path: str | os.PathLike[str]) -> Any:
    """The array of an .npy file, or the object (a dict, mostly) of a 0-dimensional one.

    Raises:
        RefusedPickle: it holds a class or function that is not plain data.
        InputError: it is truncated or damaged, or no .npy file.
        MissingFiles: there is no such file.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            array = _array(stream, str(path), path.stat().st_size)
    except OSError as error:
        raise unreadable(path, error) from error
    except EhpsbenchError:
        raise
    except BROKEN as error:
        raise _damaged(path, "is not a whole .npy file", error) from error
    return array.item() if array.shape == () and array.dtype == object else array


def _damaged(path: Path, what: str, error: BaseException) -> InputError:
    return InputError(
        f"{path} {what}: {error or type(error).__name__}. "
        "The file is truncated or damaged; copy or unpack it from the release again."
    )


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first (Fortran), and dtype; the stream stands behind them."""
    version = npy.read_magic(stream)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"version {version} of the .npy format is not known")
    try:
        return readers[version](stream)
    except Exception as error:  # NumPy parses the header as Python, which fails in many ways
        raise ValueError(f"its header cannot be read ({type(error).__name__})") from error


def _array(stream: IO[bytes], name: str, size: int) -> NDArray[Any]:
    """The array in an open, seekable .npy file of so many bytes.

    Raises:
        EOFError: the header announces more than that; nothing is allocated for it.
    """
    shape, _, dtype = _header(stream)
    if dtype.hasobject:
        return _objects(stream.read(), shape, name)
    announced = math.prod(shape) * dtype.itemsize
    if announced > size or min(shape, default=0) < 0:
        raise EOFError(f"the header announces {announced:,} bytes, the file has {size:,}")
    stream.seek(0)  # the header is whole: it was read above
    array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
    stream.read(1)  # a zip entry compares its checksum only when its end is reached
    return array


def _objects(raw: bytes, shape: tuple[int, ...], name: str) -> NDArray[Any]:
    array = read_pickle(raw, name, encoding="latin1")
    if not isinstance(array, np.ndarray) or array.shape != tuple(shape):
        raise ValueError("the pickled array is not the one that the header announces")
    return array
