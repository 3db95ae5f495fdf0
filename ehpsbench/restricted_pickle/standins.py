"""What takes the place of foreign classes while a pickle is read, and what they become.

Stand-ins only keep what the pickle gives them; `plain` turns them into arrays and frames after
the reading. Layouts: pandas 1.x to 2.x block managers, SciPy sparse matrices, chumpy arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Frame:
    """The columns of a pandas DataFrame, without pandas.

    Attributes:
        columns: (N,) arrays by column name, in the frame's order.
        index: (N,) row labels.
    """

    columns: dict[str, NDArray[Any]]
    index: NDArray[Any]

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)


@dataclass(frozen=True, slots=True)
class SparseMatrix:
    """A SciPy sparse matrix (csc, csr or coo), without SciPy.

    Attributes:
        shape: rows and columns.
        rows: (K,) row of each value.
        columns: (K,) column of each value.
        values: (K,).
    """

    shape: tuple[int, int]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[Any]

    def toarray(self) -> NDArray[Any]:
        """The dense matrix; values at one place are summed, as SciPy does."""
        dense = np.zeros(self.shape, self.values.dtype)
        np.add.at(dense, (self.rows, self.columns), self.values)
        return dense


class StandIn:
    """Keeps constructor arguments and state, whatever they are, and does nothing with them."""

    __slots__ = ("arguments", "state")

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __new__(cls, *arguments: Any) -> StandIn:  # noqa: D102 - NEWOBJ does not call __init__
        new = super().__new__(cls)
        new.arguments, new.state = arguments, None
        return new

    def __setstate__(self, state: Any) -> None:
        self.state = state


class FrameStandIn(StandIn):
    """pandas.core.frame.DataFrame."""

    __slots__ = ()


class SeriesStandIn(StandIn):
    """pandas.core.series.Series."""

    __slots__ = ()


class ManagerStandIn(StandIn):
    """pandas.core.internals.managers.BlockManager and SingleBlockManager."""

    __slots__ = ()


class BlockStandIn(StandIn):
    """A block: values (items, rows), placement, number of dimensions."""

    __slots__ = ()


class IndexStandIn(StandIn):
    """pandas Index and RangeIndex, made by _new_Index(class, fields)."""

    __slots__ = ()


class SparseStandIn(StandIn):
    """scipy.sparse matrices."""

    __slots__ = ()


class ChumpyStandIn(StandIn):
    """chumpy.ch.Ch and chumpy.reordering.Select."""

    __slots__ = ()


class RangeIndexStandIn(StandIn):
    """The class pandas RangeIndex itself, as an argument of _new_Index."""

    __slots__ = ()


def plain(value: Any, depth: int = 0) -> Any:
    """`value` with every stand-in replaced by what it stands for.

    Raises:
        ValueError: a stand-in does not hold what its class would.
    """
    if depth > 60:
        raise ValueError("nested too deeply")
    if isinstance(value, FrameStandIn):
        return _frame(
            _manager(value.state["_mgr"] if "_mgr" in value.state else value.state["_data"])
        )
    if isinstance(value, SeriesStandIn):
        state = value.state["_mgr"] if "_mgr" in value.state else value.state["_data"]
        return _series(_manager(state))
    if isinstance(value, SparseStandIn):
        return _sparse(value.state)
    if isinstance(value, ChumpyStandIn):
        return _chumpy(value, depth)
    if isinstance(value, IndexStandIn):
        return _index(value)
    if isinstance(value, StandIn):
        raise ValueError(f"a bare {type(value).__name__}")
    if isinstance(value, dict):
        for key in list(value):
            value[key] = plain(value[key], depth + 1)
        return value
    if isinstance(value, list):
        value[:] = [plain(item, depth + 1) for item in value]
        return value
    if isinstance(value, tuple):
        return tuple(plain(item, depth + 1) for item in value)
    if isinstance(value, np.ndarray) and value.dtype == object:
        for i, item in enumerate(value.flat):
            value.flat[i] = plain(item, depth + 1)
    return value


@dataclass(frozen=True, slots=True)
class _Manager:
    axes: list[NDArray[Any]]
    blocks: list[tuple[NDArray[Any], Any]]


def _manager(manager: Any) -> _Manager:
    """Axes and (values, placement) pairs of any of the layouts that pandas wrote."""
    if not isinstance(manager, ManagerStandIn):
        raise ValueError(f"a DataFrame made of {type(manager).__name__}")
    if len(manager.arguments) >= 2:  # pandas >= 1.3: (blocks, axes)
        blocks, axes = manager.arguments[:2]
        blocks = blocks if isinstance(blocks, tuple | list) else (blocks,)
        axes = axes if isinstance(axes, list) else [axes]
        pairs = [(np.asarray(b.arguments[0]), b.arguments[1]) for b in blocks]
        return _Manager([_index(a) for a in axes], pairs)
    state = manager.state  # older: (axes, values, items, {"0.14.1": …})
    inside = state[3]["0.14.1"]
    pairs = [(np.asarray(b["values"]), b["mgr_locs"]) for b in inside["blocks"]]
    return _Manager([_index(a) for a in inside["axes"]], pairs)


def _frame(manager: _Manager) -> Frame:
    names, index = manager.axes
    columns: dict[int, NDArray[Any]] = {}
    for values, placement in manager.blocks:
        places = np.arange(len(names))[placement]
        rows = values if values.ndim == 2 else values[None]
        for place, row in zip(places.tolist(), rows, strict=True):
            columns[place] = _cells(row)
    return Frame({str(name): columns[i] for i, name in enumerate(names.tolist())}, index)


def _series(manager: _Manager) -> NDArray[Any]:
    ((values, _),) = manager.blocks
    return _cells(values)


def _cells(column: NDArray[Any]) -> NDArray[Any]:
    """A column whose own cells may hold stand-ins."""
    cells: NDArray[Any] = plain(column)
    return cells


def _index(value: Any) -> NDArray[Any]:
    if isinstance(value, np.ndarray):
        return value
    if not isinstance(value, IndexStandIn):
        raise ValueError(f"an index made of {type(value).__name__}")
    fields = value.arguments[1] if len(value.arguments) > 1 else {}
    if "data" in fields:
        return _index(fields["data"])
    return np.arange(fields["start"], fields["stop"], fields["step"])


def _sparse(state: dict[str, Any]) -> SparseMatrix:
    rows, columns = state["_shape"]
    values = np.asarray(state["data"])
    if "indptr" not in state:
        pair = state["coords"] if "coords" in state else (state["row"], state["col"])
        first, second = (np.asarray(axis, np.int64) for axis in pair)
        return SparseMatrix((rows, columns), first, second, values)
    indptr = np.asarray(state["indptr"], np.int64)
    major = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    minor = np.asarray(state["indices"], np.int64)
    by_row = len(indptr) - 1 == rows and state.get("format", "csc") != "csc"
    first, second = (major, minor) if by_row else (minor, major)
    return SparseMatrix((rows, columns), first, second, values)


def _chumpy(value: ChumpyStandIn, depth: int) -> NDArray[Any]:
    """The array behind a chumpy object; a Select picks from the array of another."""
    state = value.state
    if "x" in state:
        return np.asarray(plain(state["x"], depth + 1))
    chosen = np.asarray(plain(state["a"], depth + 1)).ravel()[np.asarray(state["idxs"])]
    shape = state.get("preferred_shape")
    return np.asarray(chosen if shape is None else chosen.reshape(shape))
