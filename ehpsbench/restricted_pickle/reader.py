"""Read pickles, .npz and .npy files of strangers: data comes back, nothing in them is run."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, BinaryIO

from ehpsbench.errors import EhpsbenchError, InputError, MissingFiles, RefusedPickle
from ehpsbench.restricted_pickle import arrays, arrow, chumpy, containers, frames, sparse, tensors
from ehpsbench.restricted_pickle.machine import Machine
from ehpsbench.restricted_pickle.names import Constant, Global, Inert, Lookup, Refusal

__all__ = ["DAMAGE", "load", "read_pickle"]

TABLE: dict[tuple[str, str], Global | Constant] = {
    **containers.TABLE,
    **arrays.TABLE,
    **sparse.TABLE,
    **frames.TABLE,
    **arrow.TABLE,
    **tensors.TABLE,
    **chumpy.TABLE,
}

# What damaged bytes raise in NumPy, struct, zlib and our builders; a warning counts where
# warnings are errors. Memory too: a damaged length asks for more than there is.
DAMAGE = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, RecursionError),
    *(TypeError, ValueError, RuntimeError, OSError, StopIteration, Warning, struct.error),
)
MAP_FROM = 1 << 20  # bytes; smaller files are read faster than they are mapped


def load(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    encoding: str = "ASCII",
    opaque: Collection[str] = (),
) -> Any:
    """The data in a pickle; code in it is never run.

    NumPy arrays and scalars, Python containers, torch tensors (also from CUDA) and chumpy arrays as
    NumPy arrays, pandas frames and series as `Frame`, SciPy sparse matrices as `SparseMatrix`.

    Args:
        source: a path or an open binary file.
        encoding: how byte strings of Python 2 are read; "latin1" for files with NumPy arrays.
        opaque: packages whose objects are dropped, leaving `Inert` with the name of the class,
            instead of being refused.

    Raises:
        RefusedPickle: it names a class or function that is not plain data.
        InputError: it is truncated or damaged.
        MissingFiles: there is no such file.
    """
    if not isinstance(source, str | os.PathLike):
        name = str(getattr(source, "name", "the open file"))
        return read_pickle(source.read(), name, encoding=encoding, opaque=opaque)
    path = Path(source)
    try:
        with path.open("rb") as stream:
            if os.fstat(stream.fileno()).st_size < MAP_FROM:
                return read_pickle(stream.read(), str(path), encoding=encoding, opaque=opaque)
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                return read_pickle(mapped, str(path), encoding=encoding, opaque=opaque)
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> InputError:
    """The error for a file that cannot be opened or read."""
    kind = MissingFiles if isinstance(error, FileNotFoundError) else InputError
    return kind(f"{path} cannot be read: {error.strerror or error}. Check the path of the release.")


def read_pickle(
    data: bytes | mmap.mmap,
    name: str,
    *,
    encoding: str = "ASCII",
    opaque: Collection[str] = (),
    at: int = 0,
) -> Any:
    """The data in a pickle that starts at byte `at`; `name` is the file's, for messages."""
    machine = Machine(data, _lookup(frozenset(opaque)), encoding=encoding, at=at)
    try:
        return machine.run()
    except EhpsbenchError:
        raise
    except Refusal as refusal:
        raise RefusedPickle(
            f"{name} names {refusal} (at byte {machine.at}), which is not plain data. "
            "Nothing in the file was run. Arrays, containers, pandas frames, SciPy sparse "
            "matrices and torch tensors are read; take the file from the dataset's owners again."
        ) from None
    except DAMAGE as error:
        raise InputError(
            f"{name} is not a whole pickle: at byte {machine.at} of {machine.size}: "
            f"{_printable(str(error) or type(error).__name__)}. "
            "The file is truncated or damaged; copy or unpack it from the release again."
        ) from error


def _lookup(opaque: frozenset[str]) -> Lookup:
    def find(module: str, name: str) -> Global | Constant:
        found = TABLE.get((module, name))
        if found is not None:
            return found
        full = _printable(f"{module}.{name}")
        if module.split(".")[0] in opaque:
            return Global(full, _dropped(full))
        raise Refusal(full)

    return find


def _dropped(name: str) -> Callable[[tuple[Any, ...]], Inert]:
    return lambda args: Inert(name)


def _printable(text: str) -> str:
    """Text from a strange file, safe and short enough to be shown."""
    return text.encode("ascii", "backslashreplace").decode()[:200]
