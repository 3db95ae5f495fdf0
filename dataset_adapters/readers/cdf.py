"""NASA's Common Data Format (.cdf); errors name the file."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingFiles

__all__ = ["cdf", "cdf_variable"]


def cdf() -> Any:
    """The package cdflib.

    Raises:
        InputError: it is not installed.
    """
    try:
        return import_module("cdflib")
    except ModuleNotFoundError as error:
        raise InputError(
            "Releases in .cdf files are read with cdflib, which is not installed: "
            "pip install 'ehpsbench[cdf]'."
        ) from error


def cdf_variable(path: Path, name: str) -> NDArray[np.float64]:
    """The numbers of a variable of a file, (records, …).

    Raises:
        MissingFiles: the file is not there.
        InputError: it is no CDF file, is cut off, or lacks the variable.
    """
    package = cdf()
    if not path.is_file():
        raise MissingFiles(f"{path} is not there; is the release complete?")
    try:
        return np.asarray(package.CDF(path).varget(name), np.float64)
    except Exception as error:  # cdflib fails in many ways on what is no CDF
        raise InputError(
            f"{path} cannot be read ({type(error).__name__}: {error}). Expected a CDF file with "
            f"the variable {name}."
        ) from error
