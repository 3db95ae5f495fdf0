"""HDF5 files (.smc, .h5, .mat of version 7.3); errors name the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from ehpsbench.errors import InputError, MissingFiles

__all__ = ["hdf5", "opened_hdf5"]


def hdf5() -> Any:
    """The package h5py.

    Raises:
        InputError: it is not installed.
    """
    try:
        return import_module("h5py")
    except ModuleNotFoundError as error:
        raise InputError(
            "Releases in HDF5 files are read with h5py, which is not installed: "
            "pip install 'ehpsbench[hdf5]'."
        ) from error


@contextmanager
def opened_hdf5(path: Path, what: str) -> Iterator[Any]:
    """A file open for reading; what goes wrong inside is said of it.

    Args:
        path: of the file.
        what: is expected in it, in words, for messages.

    Raises:
        MissingFiles: it is not there.
        InputError: it is no HDF5 file, is cut off, or lacks something.
    """
    package = hdf5()
    if not path.is_file():
        raise MissingFiles(f"{path} is not there; is the release complete?")
    try:
        with package.File(path, "r") as content:
            yield content
    except (OSError, KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{path} cannot be read ({type(error).__name__}: {error}). Expected {what}."
        ) from error
