"""Builders for NumPy arrays, dtypes and scalars, under their NumPy 1 and NumPy 2 names.

A dtype is made from its code, never from the flags in the file: a file that calls an object array
a byte array would otherwise let its bytes be used as addresses.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.restricted_pickle.names import Constant, Global, Pending

__all__ = ["TABLE", "array_types"]

CODE = re.compile(r"[<>|=]?(\?|O8?|b1|[iuf]\d{1,2}|c\d{1,2}|[SUV]\d*|[Mm]8)")
ARRAY_TYPES = (
    ("numpy", "ndarray"),
    ("numpy", "matrix"),
    ("numpy", "memmap"),
    ("numpy.matrixlib.defmatrix", "matrix"),
    ("numpy.core.memmap", "memmap"),
    ("numpy._core.memmap", "memmap"),
    ("trimesh.caching", "TrackedArray"),
    ("trimesh.util", "TrackedArray"),
)
array_types = frozenset(f"{module}.{name}" for module, name in ARRAY_TYPES)


def _dtype(args: tuple[Any, ...]) -> Pending:
    code = args[0].decode("ascii") if type(args[0]) is bytes else args[0]
    if type(code) is not str or not CODE.fullmatch(code):
        raise TypeError("a dtype that is not a plain code")
    return Pending(lambda state: _dtype_of(code, state))


def _dtype_of(code: str, state: tuple[Any, ...]) -> np.dtype[Any]:
    """The dtype for a code and the state that NumPy pickles with it (version, order, …)."""
    _, order, base, names, fields = state[:5]
    if base is not None:
        return np.dtype((_is_dtype(base[0]), _shape(base[1])))
    if names is not None:
        return _structured(names, fields, int(state[5]))
    if code.lstrip("<>|=") in ("M8", "m8"):
        code = code + _time_unit(state)
    plain = np.dtype(code)
    if order in ("<", b"<"):
        return plain.newbyteorder("<")
    return plain.newbyteorder(">") if order in (">", b">") else plain


def _structured(names: tuple[Any, ...], fields: dict[str, Any], size: int) -> np.dtype[Any]:
    entries = [fields[name] for name in names]
    return np.dtype(
        {
            "names": [str(name) for name in names],
            "formats": [_is_dtype(entry[0]) for entry in entries],
            "offsets": [int(entry[1]) for entry in entries],
            "itemsize": size,
        }
    )


def _time_unit(state: tuple[Any, ...]) -> str:
    unit, count = state[8][1][:2]
    unit = unit.decode("ascii") if type(unit) is bytes else unit
    return "" if unit == "generic" else f"[{int(count)}{unit}]"


def _is_dtype(value: Any) -> np.dtype[Any]:
    if not isinstance(value, np.dtype):
        raise TypeError("a dtype was expected")
    return value


def _shape(value: Any) -> tuple[int, ...]:
    if type(value) is not tuple or any(type(n) is not int or n < 0 for n in value):
        raise TypeError("a shape was expected")
    return value


def _array(args: tuple[Any, ...]) -> Pending:
    kind = args[0]
    if not isinstance(kind, Global) or kind.name not in array_types:
        raise TypeError("an array of an unknown kind")
    return Pending(_filled)


def _filled(state: tuple[Any, ...]) -> NDArray[Any]:
    """The array for NumPy's (version, shape, dtype, is_fortran, content)."""
    shape, dtype, fortran, content = state[-4:]
    shape, dtype = _shape(shape), _is_dtype(dtype)
    if dtype.hasobject:
        return _objects(shape, dtype, content)
    # NumPy itself checks the length and keeps large contents without a copy.
    array: NDArray[Any] = np.ndarray((0,), dtype)
    whole = (1, shape, dtype, bool(fortran), _bytes(content))
    array.__setstate__(whole)  # type: ignore[arg-type]  # the stub wants np.bool
    return array


def _objects(shape: tuple[int, ...], dtype: np.dtype[Any], content: Any) -> NDArray[Any]:
    count = 1
    for n in shape:
        count *= n
    if type(content) is not list or len(content) != count:
        raise ValueError("an object array with the wrong number of entries")
    if dtype == np.dtype(object):
        return np.fromiter(content, dtype=object, count=count).reshape(shape)
    return np.array([tuple(row) for row in content], dtype=dtype).reshape(shape)


def _bytes(content: Any) -> bytes:
    """Array content; a Python 2 string that was read as text is brought back to bytes."""
    if type(content) is str:
        return content.encode("latin1")
    if type(content) is not bytes:
        raise TypeError("the content of an array is not bytes")
    return content


def _scalar(args: tuple[Any, ...]) -> Any:
    dtype, content = _is_dtype(args[0]), _bytes(args[1])
    if dtype.hasobject or len(content) != dtype.itemsize:
        raise ValueError("a NumPy scalar of the wrong size")
    return np.ndarray((), dtype, content)[()]


def _from_buffer(args: tuple[Any, ...]) -> NDArray[Any]:
    """Protocol 5: (content, dtype, shape, order[, axis order])."""
    content, dtype, shape, order = args[:4]
    if type(content) not in (bytes, bytearray) or _is_dtype(dtype).hasobject:
        raise TypeError("the content of an array is not bytes")
    flat = np.frombuffer(content, dtype) if content else np.empty(0, dtype)
    if order == "K" and len(args) == 5:
        return flat.reshape(_shape(shape)).transpose(_shape(args[4]))
    return flat.reshape(_shape(shape), order="F" if order == "F" else "C")


def _table() -> dict[tuple[str, str], Global | Constant]:
    table: dict[tuple[str, str], Global | Constant] = {
        key: Global(".".join(key)) for key in ARRAY_TYPES
    }
    table["numpy", "dtype"] = Global("numpy.dtype", _dtype)
    for core in ("numpy.core", "numpy._core"):
        for module in ("multiarray", "_multiarray_umath"):
            table[f"{core}.{module}", "_reconstruct"] = Global("numpy._reconstruct", _array)
            table[f"{core}.{module}", "scalar"] = Global("numpy.scalar", _scalar)
        table[f"{core}.numeric", "_frombuffer"] = Global("numpy._frombuffer", _from_buffer)
    return table


TABLE = _table()
