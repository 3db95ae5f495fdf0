"""pandas frames of 1.x, 2.x and 3.x as plain columns; no pandas needed.

Three layouts are in the wild: block managers with their content as a state (pandas ≤ 1.2, and every
Series), block managers called with (blocks, axes) (≥ 1.3), and the short names of pandas 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle.names import Constant, Global, Inert, Pending

__all__ = ["TABLE", "Frame"]


@dataclass(frozen=True, slots=True)
class Frame:
    """A table that was a pandas DataFrame (or a Series: one column).

    Attributes:
        columns: name → (N,) values; text as an object array of str, missing values None.
        index: (N,) row labels.
    """

    columns: dict[str, NDArray[Any]]
    index: NDArray[Any]

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.index)

    def __contains__(self, name: object) -> bool:
        """Whether there is a column of that name."""
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        """The names of the columns."""
        return iter(self.columns)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The (N,) values of one column."""
        if name not in self.columns:
            raise InputError(f"The frame has no column {name!r}; it has {', '.join(self.columns)}.")
        return self.columns[name]


Labels = Sequence[Any] | NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Block:
    """Columns of one type: (columns, N) or (N,) values, and which columns they are."""

    values: NDArray[Any]
    places: Any

    def columns(self, width: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Pairs of column number and (N,) values."""
        if isinstance(self.places, slice):
            places = list(range(*self.places.indices(width)))
        else:
            places = [int(place) for place in np.atleast_1d(self.places)]
        rows = self.values if self.values.ndim == 2 else self.values[None]
        if len(rows) != len(places) or any(not 0 <= place < width for place in places):
            raise ValueError("a frame whose blocks do not fit its columns")
        yield from zip(places, rows, strict=True)


@dataclass(frozen=True, slots=True)
class _Manager:
    blocks: tuple[_Block, ...]
    axes: tuple[Labels, ...]


@dataclass(frozen=True, slots=True)
class _Categories:
    values: NDArray[Any]


def _block(args: tuple[Any, ...]) -> _Block:
    values, places = args[:2]
    if not isinstance(values, np.ndarray):
        raise TypeError("a frame with a block that is not an array")
    return _Block(values, places)


def _manager(args: tuple[Any, ...]) -> _Manager | Pending:
    if not args:
        return Pending(_manager_of)
    blocks, axes = args[:2]
    blocks = (blocks,) if isinstance(blocks, _Block) else tuple(blocks)
    return _managed(blocks, tuple(axes) if isinstance(axes, list | tuple) else (axes,))


def _manager_of(state: tuple[Any, ...]) -> _Manager:
    """The state since pandas 0.14.1, still written by ≤ 1.2 and for every Series."""
    content = state[3]["0.14.1"]
    blocks = tuple(_block((entry["values"], entry["mgr_locs"])) for entry in content["blocks"])
    return _managed(blocks, tuple(content["axes"]))


def _managed(blocks: tuple[Any, ...], axes: tuple[Any, ...]) -> _Manager:
    if not all(isinstance(block, _Block) for block in blocks):
        raise TypeError("a frame with a block that is not an array")
    if not axes or not all(isinstance(axis, np.ndarray | range) for axis in axes):
        raise TypeError("a frame without labels")
    return _Manager(blocks, axes)


def _manager_in(state: dict[str, Any]) -> _Manager:
    found = state["_mgr"] if "_mgr" in state else state["_data"]
    if not isinstance(found, _Manager):
        raise TypeError("a frame without its blocks")
    return found


def _frame(state: dict[str, Any]) -> Frame:
    manager = _manager_in(state)
    labels, index = manager.axes
    names = [str(label) for label in labels]
    if len(set(names)) != len(names):
        raise ValueError("a frame in which two columns have one name")
    values = dict(pair for block in manager.blocks for pair in block.columns(len(names)))
    if len(values) != len(names) or any(len(column) != len(index) for column in values.values()):
        raise ValueError("a frame whose blocks do not fit its labels")
    return Frame({name: values[k] for k, name in enumerate(names)}, np.asarray(index))


def _series(state: dict[str, Any]) -> Frame:
    manager = _manager_in(state)
    name, index = state.get("_name", state.get("name")), manager.axes[0]
    values = manager.blocks[0].values
    if len(manager.blocks) != 1 or values.shape != (len(index),):
        raise ValueError("a series whose values do not fit its index")
    return Frame({"values" if name is None else str(name): values}, np.asarray(index))


def _index(args: tuple[Any, ...]) -> Labels:
    """`_new_Index(class, content)`; a range stays a range until its length has been checked."""
    content = args[1]
    if "start" in content:
        return range(content["start"], content["stop"], content["step"])
    if "levels" in content:
        levels = [_taken(level, codes) for level, codes in _level_codes(content)]
        rows = list(zip(*levels, strict=True))
        return np.fromiter(rows, dtype=object, count=len(rows))
    labels = content["data"]
    if not isinstance(labels, np.ndarray) or labels.ndim != 1:
        raise TypeError("a frame without labels")
    return labels


def _level_codes(content: dict[str, Any]) -> Iterator[tuple[Labels, NDArray[Any]]]:
    codes = content["codes"] if "codes" in content else content["labels"]
    return zip(content["levels"], map(np.asarray, codes), strict=True)


def _taken(values: Labels, codes: NDArray[Any]) -> NDArray[Any]:
    """Values by number; −1 is missing and becomes None."""
    known = [*values, None]
    if codes.size and not (codes.min() >= -1 and codes.max() < len(values)):
        raise ValueError("a category that does not exist")
    return np.fromiter((known[code] for code in codes.tolist()), dtype=object, count=len(codes))


def _extension(state: Any) -> NDArray[Any]:
    """Categories, dates, text and nullable numbers, from the tuple or dict that pandas pickles."""
    if isinstance(state, dict):
        if "_pa_array" in state:
            return _is_array(state["_pa_array"])
        keys = ("_ndarray", "_codes", "_data", "values")
        values = _is_array(next(state[key] for key in keys if key in state))
        return _typed(values, state.get("_dtype"), state.get("_mask"))
    values = next(part for part in state if isinstance(part, np.ndarray))
    kinds = [part for part in state if isinstance(part, _Categories)]
    return _typed(values, kinds[0] if kinds else None, None)


def _typed(values: NDArray[Any], kind: Any, missing: Any) -> NDArray[Any]:
    if isinstance(kind, _Categories):
        return _taken(kind.values, values)
    if missing is None or not np.any(_is_array(missing)):
        return values
    filled = values.astype(object)
    filled[missing] = None
    return filled


def _is_array(value: Any) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):
        raise TypeError("a column that is not an array")
    return value


def _backed(args: tuple[Any, ...]) -> NDArray[Any] | Pending:
    """`__pyx_unpickle_NDArrayBacked(class, checksum, state)`; the state may come later."""
    return Pending(_extension) if args[2] is None else _extension(args[2])


def _categories(args: tuple[Any, ...]) -> _Categories | Pending:
    if args:
        return _Categories(np.asarray(args[0]))
    return Pending(lambda state: _Categories(np.asarray(state["categories"])))


def _dtype_name(name: str) -> Global:
    return Global(name, lambda args: Inert(name))


def _homes(*modules: str, names: str) -> Iterator[tuple[str, str]]:
    return ((module, name) for module in modules for name in names.split())


ARRAYS = "Categorical DatetimeArray TimedeltaArray IntegerArray FloatingArray BooleanArray"
TEXTS = "StringArray StringArrayNumpySemantics ArrowStringArray ArrowStringArrayNumpySemantics"
INDEXES = (
    "Index RangeIndex Int64Index UInt64Index Float64Index NumericIndex MultiIndex "
    "DatetimeIndex TimedeltaIndex CategoricalIndex"
)
DTYPES = (
    "StringDtype BooleanDtype Int8Dtype Int16Dtype Int32Dtype Int64Dtype UInt8Dtype UInt16Dtype "
    "UInt32Dtype UInt64Dtype Float32Dtype Float64Dtype"
)


def _table() -> dict[tuple[str, str], Global | Constant]:
    core, libs = "pandas.core", "pandas._libs"
    managers, indexes, arrays = (f"{core}.{room}" for room in ("internals", "indexes", "arrays"))
    table: dict[tuple[str, str], Global | Constant] = {}
    for key in ((f"{core}.frame", "DataFrame"), ("pandas", "DataFrame")):
        table[key] = Global("pandas.DataFrame", lambda args: Pending(_frame))
    for key in ((f"{core}.series", "Series"), ("pandas", "Series")):
        table[key] = Global("pandas.Series", lambda args: Pending(_series))
    homes: tuple[str, ...] = (managers, f"{managers}.managers", f"{libs}.internals")
    for key in _homes(*homes, names="BlockManager SingleBlockManager"):
        table[key] = Global("pandas.BlockManager", _manager)
    for key in _homes(f"{libs}.internals", f"{managers}.blocks", names="_unpickle_block"):
        table[key] = Global("pandas._unpickle_block", _block)
    homes = ("pandas", *(f"{indexes}.{room}" for room in _INDEX_ROOMS))
    for key in _homes(*homes, names=INDEXES):
        table[key] = Global("pandas.Index")
    for room in _INDEX_ROOMS:
        for name in ("_new_Index", "_new_DatetimeIndex"):
            table[f"{indexes}.{room}", name] = Global("pandas._new_Index", _index)
    homes = ("pandas", "pandas.arrays", *(f"{arrays}.{room}" for room in _ARRAY_ROOMS))
    for key in _homes(*homes, names=f"{ARRAYS} {TEXTS}"):
        table[key] = Global("pandas.array", lambda args: Pending(_extension))
    for key in _homes(*homes, names=DTYPES):
        table[key] = _dtype_name(f"pandas.{key[1]}")
    for key in _homes("pandas", f"{core}.dtypes.dtypes", names="CategoricalDtype"):
        table[key] = Global("pandas.CategoricalDtype", _categories)
    for key in _homes("pandas", f"{libs}.missing", names="NA"):
        table[key] = Constant(None)
    table[f"{libs}.arrays", "__pyx_unpickle_NDArrayBacked"] = Global("pandas.array", _backed)
    return table


_INDEX_ROOMS = ("base", "range", "numeric", "multi", "datetimes", "timedeltas", "category")
_ARRAY_ROOMS = (
    *("categorical", "datetimes", "timedeltas", "integer", "floating", "boolean"),
    *("string_", "string_arrow", "numeric", "masked"),
)
TABLE = _table()
