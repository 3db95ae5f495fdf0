"""SciPy sparse matrices without SciPy: compressed columns or rows, or coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.restricted_pickle.names import Constant, Global, Pending

__all__ = ["TABLE", "SparseMatrix"]


@dataclass(frozen=True, slots=True)
class SparseMatrix:
    """A sparse matrix as coordinates; entries at the same place add up.

    Attributes:
        shape: rows and columns.
        rows: (E,) row of each entry.
        columns: (E,) column of each entry.
        values: (E,) the entries.
    """

    shape: tuple[int, int]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[Any]

    def toarray(self) -> NDArray[Any]:
        """The dense (rows, columns) matrix."""
        dense = np.zeros(self.shape, dtype=self.values.dtype)
        np.add.at(dense, (self.rows, self.columns), self.values)
        return dense


def _compressed(state: dict[str, Any], by_column: bool) -> SparseMatrix:
    shape = _shape(state)
    starts = np.asarray(state["indptr"], np.int64)
    minor = np.asarray(state["indices"], np.int64)
    counts = starts[1:] - starts[:-1]
    if len(counts) != shape[1 if by_column else 0] or (counts < 0).any() or starts[0] != 0:
        raise ValueError("a sparse matrix with broken pointers")
    if counts.sum() != len(minor):
        raise ValueError("a sparse matrix with broken pointers")
    major = np.repeat(np.arange(len(counts)), counts)
    rows, columns = (minor, major) if by_column else (major, minor)
    return _checked(shape, rows, columns, state["data"])


def _coordinates(state: dict[str, Any]) -> SparseMatrix:
    rows, columns = state["coords"] if "coords" in state else (state["row"], state["col"])
    return _checked(_shape(state), rows, columns, state["data"])


def _shape(state: dict[str, Any]) -> tuple[int, int]:
    rows, columns = state["_shape"]
    return int(rows), int(columns)


def _checked(shape: tuple[int, int], rows: Any, columns: Any, values: Any) -> SparseMatrix:
    rows, columns = np.asarray(rows, np.int64), np.asarray(columns, np.int64)
    values = np.asarray(values)
    if values.dtype.kind not in "biufc" or not rows.shape == columns.shape == values.shape:
        raise ValueError("a sparse matrix with entries that do not belong together")
    for index, size in zip((rows, columns), shape, strict=True):
        if index.ndim != 1 or (len(index) and not (index.min() >= 0 and index.max() < size)):
            raise ValueError("a sparse matrix with entries outside its shape")
    return SparseMatrix(shape, rows, columns, values)


def _pending(finish: Callable[[dict[str, Any]], SparseMatrix]) -> Callable[[Any], Pending]:
    return lambda args: Pending(finish)


def _table() -> dict[tuple[str, str], Global | Constant]:
    forms: dict[str, Callable[[dict[str, Any]], SparseMatrix]] = {
        "csc": lambda state: _compressed(state, by_column=True),
        "csr": lambda state: _compressed(state, by_column=False),
        "coo": _coordinates,
    }
    return {
        (module, f"{form}_{kind}"): Global(f"{module}.{form}_{kind}", _pending(finish))
        for form, finish in forms.items()
        for module in (f"scipy.sparse.{form}", f"scipy.sparse._{form}", "scipy.sparse")
        for kind in ("matrix", "array")
    }


TABLE = _table()
