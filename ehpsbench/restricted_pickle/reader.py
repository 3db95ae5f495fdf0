"""The restricted unpickler: one table says which names a pickle may use, and what each becomes."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import EhpsbenchError, InputError, MissingFiles, RefusedPickle
from ehpsbench.restricted_pickle import standins, tensors


class _Call:
    """A callable that a pickle may use but not change: it has no attributes to set."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        object.__setattr__(self, "_function", function)

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setattr__(self, name: str, value: object) -> None:
        raise ValueError("a pickle that changes a function")

    def __setstate__(self, state: object) -> None:
        raise ValueError("a pickle that changes a function")


def _reconstruct(subtype: Any, shape: Any, dtype: Any) -> NDArray[Any]:
    if subtype is not np.ndarray:
        raise ValueError("an array of a foreign class")
    return np.ndarray.__new__(np.ndarray, shape, dtype)


def _from_buffer(buffer: Any, dtype: Any, shape: Any, order: str, *_: Any) -> NDArray[Any]:
    return np.frombuffer(bytearray(buffer), dtype).reshape(
        shape, order="F" if order == "F" else "C"
    )


def _scalar(dtype: Any, value: Any = b"") -> Any:
    if np.dtype(dtype).hasobject:
        raise ValueError("a scalar of Python objects")
    raw = value.encode("latin1") if isinstance(value, str) else bytes(value)
    return np.frombuffer(raw, dtype, 1)[0]


def _encode(text: Any, encoding: Any = "utf-8", *_: Any) -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8", "ascii"):
        raise ValueError(f"text in the encoding {encoding!r:.40}")
    return text.encode(encoding)


def _reconstructor(cls: Any, base: Any, state: Any) -> Any:
    """copyreg._reconstructor, for stand-ins only: how Python 2 pickles objects."""
    if not (isinstance(cls, type) and issubclass(cls, standins.StandIn)):
        raise ValueError("an object of a foreign class")
    return cls()


def _new_index(cls: Any, fields: Any) -> standins.IndexStandIn:
    return standins.IndexStandIn(cls, fields)


def _bounded_range(*arguments: int) -> range:
    return range(*arguments)


_NUMPY = {
    "multiarray._reconstruct": _Call(_reconstruct),
    "multiarray.scalar": _Call(_scalar),
    "numeric._frombuffer": _Call(_from_buffer),
}
_SAFE_BUILTINS: dict[str, Any] = {
    "set": set,
    "frozenset": frozenset,
    "complex": complex,
    "bytearray": bytearray,
    "slice": slice,
    "range": _Call(_bounded_range),
    "xrange": _Call(_bounded_range),
    "list": list,
    "dict": dict,
    "tuple": tuple,
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "bytes": bytes,
    "object": object,
}
_INDEXES = ("base.Index", "numeric.Int64Index", "numeric.UInt64Index", "numeric.Float64Index")


def _table() -> dict[str, Any]:
    """Every name that a pickle may use: "module.name" → what it becomes."""
    table: dict[str, Any] = {
        "numpy.ndarray": np.ndarray,
        "numpy.dtype": np.dtype,
        "collections.OrderedDict": OrderedDict,
        "_codecs.encode": _Call(_encode),
        "copyreg._reconstructor": _Call(_reconstructor),
        "copy_reg._reconstructor": _Call(_reconstructor),
        "pandas.core.frame.DataFrame": standins.FrameStandIn,
        "pandas.core.series.Series": standins.SeriesStandIn,
        "pandas._libs.internals._unpickle_block": standins.BlockStandIn,
        "pandas.core.indexes.base._new_Index": _Call(_new_index),
        "pandas.core.indexes.range.RangeIndex": standins.RangeIndexStandIn,
        "pandas.DataFrame": standins.FrameStandIn,
        "pandas.Series": standins.SeriesStandIn,
        "pandas.Index": standins.IndexStandIn,
        "pandas.RangeIndex": standins.RangeIndexStandIn,
        "torch._utils._rebuild_tensor_v2": _Call(tensors.rebuild_tensor),
        "torch.storage._load_from_bytes": _Call(_load_storage),
        "chumpy.ch.Ch": standins.ChumpyStandIn,
        "chumpy.reordering.Select": standins.ChumpyStandIn,
    }
    for core in ("numpy.core", "numpy._core"):
        table |= {f"{core}.{name}": value for name, value in _NUMPY.items()}
    for module in ("builtins", "__builtin__"):
        table |= {f"{module}.{name}": value for name, value in _SAFE_BUILTINS.items()}
    for name in ("BlockManager", "SingleBlockManager"):
        table[f"pandas.core.internals.managers.{name}"] = standins.ManagerStandIn
        table[f"pandas.core.internals.{name}"] = standins.ManagerStandIn
    for name in _INDEXES:
        table[f"pandas.core.indexes.{name}"] = standins.IndexStandIn
    for kind in ("csc", "csr", "coo"):
        for module in (f"scipy.sparse.{kind}", f"scipy.sparse._{kind}"):
            table[f"{module}.{kind}_matrix"] = standins.SparseStandIn
            table[f"{module}.{kind}_array"] = standins.SparseStandIn
    for name, dtype in tensors.STORAGES.items():
        table[f"torch.{name}"] = table[f"torch.cuda.{name}"] = tensors.StorageType(dtype)
    return table


def _load_storage(payload: bytes) -> NDArray[Any]:
    def read(stream: io.BytesIO, persistent_load: Callable[[Any], Any] | None) -> Any:
        return _Reader(stream, persistent=persistent_load).load()

    return tensors.storage_from_bytes(bytes(payload), read)


_ALLOWED = _table()


class _Reader(pickle.Unpickler):
    """An unpickler whose every name comes from the table."""

    def __init__(
        self,
        stream: BinaryIO | io.BytesIO,
        *,
        encoding: str = "ASCII",
        persistent: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(stream, fix_imports=False, encoding=encoding)
        self._persistent = persistent

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name; refusal by name."""
        try:
            return _ALLOWED[f"{module}.{name}"]
        except KeyError:
            raise RefusedPickle(f"{module}.{name}") from None

    def persistent_load(self, name: Any) -> Any:
        """Only the payload of a tensor has persistent ids."""
        if self._persistent is None:
            raise RefusedPickle("a persistent id")
        return self._persistent(name)


def load(source: Path | str | BinaryIO, *, encoding: str = "ASCII") -> Any:
    """The object in a pickle, without running anything of it.

    Args:
        source: a file, or a stream that is read from where it stands.
        encoding: of Python 2 strings; "latin1" for pickles of Python 2 that hold arrays.

    Returns:
        Builtin containers, NumPy arrays, `Frame` for DataFrames, `SparseMatrix` for SciPy's;
        tensors and chumpy arrays as NumPy arrays.

    Raises:
        MissingFiles: the file is not there.
        RefusedPickle: it names something outside the table; nothing was run.
        InputError: it is cut short or broken.
    """
    if isinstance(source, Path | str):
        try:
            with Path(source).open("rb") as stream:
                return _load(stream, str(source), encoding)
        except FileNotFoundError as error:
            raise MissingFiles(f"The file {source} is not there.") from error
    return _load(source, str(getattr(source, "name", "a stream")), encoding)


def _load(stream: BinaryIO, where: str, encoding: str) -> Any:
    try:
        return standins.plain(_Reader(stream, encoding=encoding).load())
    except RefusedPickle as refusal:
        raise RefusedPickle(
            f"{where} names {refusal}, which ehpsbench does not allow in a pickle: only arrays, "
            "data frames, tensors and plain containers are. Nothing in it was run. If the file is "
            "what its owners ship, report it; else do not open it with other programs either."
        ) from None
    except EhpsbenchError:
        raise
    except Exception as error:  # broken bytes can fail in any way; none may reach the user raw
        raise InputError(
            f"{where} is not a pickle that can be read ({type(error).__name__}: {error}). Expected "
            "a whole pickle as the release ships it; is the download complete?"
        ) from error
