"""Shards: Arrow IPC files of finished crops and all that belongs to them, memory-mapped.

A shard is whole or not there. The index says in which shard and place the row of a key lies; it is
made from the shards' own keys, so it may be lost.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ehpsbench.atomic import digest, replacing
from ehpsbench.errors import StoreError

KEY = pa.binary(16)
INDEX = "index.arrow"
PICTURE = "picture"
_OPEN = 512  # shards whose columns a process keeps at hand

_NOTHING = pa.schema(
    {"key": KEY, "shard": pa.int32(), "place": pa.int32(), "teaches": pa.int8()}
).empty_table()

Int32 = NDArray[np.int32]
Flags = NDArray[np.bool_]
Arrays = dict[str, NDArray[Any]]


def write_shard(
    folder: Path, keys: Sequence[bytes], pictures: Sequence[bytes], arrays: Mapping[str, Any]
) -> Path:
    """Write one shard; its name follows from its keys.

    Args:
        folder: of the shards.
        keys: of the n rows, 16 bytes each.
        pictures: their encoded crops.
        arrays: what else belongs to them, each (n, ...) of numbers; bool is kept as a byte.
    """
    columns = {"key": pa.array(keys, KEY), PICTURE: pa.array(pictures, pa.large_binary())}
    kinds = {}
    for name, values in arrays.items():
        array = np.ascontiguousarray(values)
        kinds[name] = [str(array.dtype), list(array.shape[1:])]
        flat = pa.array((array.view(np.uint8) if array.dtype == bool else array).reshape(-1))
        wide = array.ndim > 1
        columns[name] = (
            pa.FixedSizeListArray.from_arrays(flat, int(np.prod(array.shape[1:]))) if wide else flat
        )
    table = pa.table(columns).replace_schema_metadata({"kinds": json.dumps(kinds)})
    path = folder / f"shard-{digest([key.hex() for key in keys])[:20]}.arrow"
    _write(path, table)
    return path


def _write(path: Path, table: pa.Table) -> None:
    with (
        replacing(path) as temporary,
        pa.OSFile(str(temporary), "wb") as file,
        pa.ipc.new_file(file, table.schema) as to,
    ):
        to.write_table(table.combine_chunks())


def _mapped(path: Path) -> pa.Table:
    """A memory-mapped table; the file itself does not stay open."""
    try:
        with pa.memory_map(str(path)) as file:
            return pa.ipc.open_file(file).read_all()
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"{path} is missing or broken ({error}). Delete it; the same command cuts its crops "
            "again."
        ) from error


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard's columns, as views of the file."""

    pictures: pa.LargeBinaryArray
    arrays: Arrays

    @classmethod
    def open(cls, path: Path) -> Shard:
        """The shard in a file."""
        table = _mapped(path)
        batch = table.to_batches()[0]
        arrays = {}
        for name, (kind, shape) in json.loads(table.schema.metadata[b"kinds"]).items():
            column = batch.column(name)
            flat = (column.flatten() if shape else column).to_numpy()
            arrays[name] = flat.view(np.dtype(kind)).reshape(len(batch), *shape)
        return cls(batch.column(PICTURE), arrays)


class Reader:
    """Reads rows of some shards; pickled without what it has open.

    Args:
        folder: of the shards.
        names: of the shards, by number.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.folder, self.names = folder, tuple(names)
        self._open: OrderedDict[str, Shard] = OrderedDict()

    def __reduce__(self) -> tuple[type[Reader], tuple[Path, tuple[str, ...]]]:
        return Reader, (self.folder, self.names)

    def read(self, shard: Int32, place: Int32) -> tuple[list[memoryview], Arrays]:
        """The pictures, and copies of the arrays, of the rows at some places."""
        pictures: list[memoryview] = [memoryview(b"")] * len(shard)
        arrays: Arrays = {}
        for number in np.unique(shard):
            here = np.flatnonzero(shard == number)
            source = self._shard(self.names[number])
            for name, values in source.arrays.items():
                if name not in arrays:
                    arrays[name] = np.empty((len(shard), *values.shape[1:]), values.dtype)
                arrays[name][here] = values[place[here]]
            for row in here:
                pictures[row] = memoryview(source.pictures[int(place[row])].as_buffer())
        return pictures, arrays

    def _shard(self, name: str) -> Shard:
        if name not in self._open:
            if len(self._open) >= _OPEN:
                self._open.popitem(last=False)
            self._open[name] = Shard.open(self.folder / name)
        self._open.move_to_end(name)
        return self._open[name]


@dataclass(frozen=True, slots=True)
class Index:
    """Where the rows of keys lie, in the shards that were there when it was opened.

    Attributes:
        names: of the shards, by number.
        table: `key`, `shard`, `place`, and `teaches`: whether the row has a target.
    """

    names: tuple[str, ...]
    table: pa.Table

    @classmethod
    def open(cls, folder: Path) -> Index:
        """The index of a folder, which need not exist; shards that are new join it."""
        names = tuple(sorted(path.name for path in folder.glob("shard-*.arrow")))
        old = _old_index(folder / INDEX)
        held = () if old is None else tuple(json.loads(old.schema.metadata[b"shards"]))
        if old is not None and held == names:
            return cls(names, old)
        tables = [_keys(folder / name, i) for i, name in enumerate(names) if name not in held]
        if old is not None:
            shard = renumbered(old["shard"].to_numpy(), held, names)
            kept = old.set_column(1, "shard", pa.array(shard)).filter(pa.array(shard >= 0))
            tables.append(kept)
        whole = pa.concat_tables([_NOTHING, *(t.replace_schema_metadata() for t in tables)])
        whole = whole.combine_chunks().replace_schema_metadata({"shards": json.dumps(names)})
        if names:
            with suppress(OSError):  # a cache that one may only read has no index of one's own
                _write(folder / INDEX, whole)
        return cls(names, whole)

    def find(self, keys: Sequence[bytes]) -> tuple[Int32, Int32, Flags]:
        """Shard, place in it and `teaches` of the rows of keys; −1 where there is none."""
        at = pc.index_in(pa.array(keys, KEY), value_set=self.table["key"])
        known = np.asarray(at.is_valid())
        rows = at.fill_null(0).to_numpy()
        out = []
        for name in ("shard", "place", "teaches"):
            column = self.table[name].to_numpy()
            found = column[rows] if len(column) else np.zeros(len(rows), column.dtype)
            out.append(np.where(known, found, -1).astype(np.int32))
        return out[0], out[1], out[2] > 0


def renumbered(
    shard: NDArray[np.int32], old: Sequence[str], new: Sequence[str]
) -> NDArray[np.int32]:
    """Numbers among the `old` names as numbers among the `new`; −1 stays, and for what is gone."""
    number = {name: i for i, name in enumerate(new)}
    table = np.array([*(number.get(name, -1) for name in old), -1], np.int32)
    return np.asarray(table[shard])


def _old_index(path: Path) -> pa.Table | None:
    try:
        return _mapped(path)
    except StoreError:
        return None


def _keys(path: Path, number: int) -> pa.Table:
    table = _mapped(path)
    count = len(table)
    marked = table["teaches"].to_numpy() if "teaches" in table.column_names else np.ones(count)
    return pa.table(
        {
            "key": table["key"],
            "shard": np.full(count, number, np.int32),
            "place": np.arange(count, dtype=np.int32),
            "teaches": marked.astype(np.int8),
        },
        _NOTHING.schema,
    )
