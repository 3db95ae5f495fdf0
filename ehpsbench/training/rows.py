"""The rows of a dataset that can be trained on: their names and content hashes, not their labels.

A part of the store is read once, a row group at a time; what is kept of it is memory-mapped. Whole
rows are read again where they are needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ehpsbench.atomic import digest, replacing
from ehpsbench.processes import completed
from ehpsbench.schema import INSTANCES, from_arrow
from ehpsbench.training.labels import trainable

SCAN_VERSION = 1  # raise when `trainable` or the hash of a row changes
LIGHT = ("instance_id", "image_id", "cluster")  # what a sampler asks of all rows
FILES = ("image_path", "template_path", "vertices_path")
_IGNORED = ("cluster", "unit", "source_file", "source_row")  # decide neither crop nor targets
_NULL = "\x00"
_LIGHT = pa.schema(
    [(name, pa.string()) for name in (*LIGHT, *FILES)]
    + [("content", pa.binary(16)), ("place", pa.int32())]
)

Columns = dict[str, NDArray[Any]]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class StoreRows:
    """Trainable rows of a dataset, in the stored order.

    Attributes:
        parts: the Parquet files that they lie in.
        table: `LIGHT`, `FILES`, `content` (hash), `part` and `place` (row in that part).
        skipped: rows that cannot be trained on.
    """

    parts: tuple[Path, ...]
    table: pa.Table
    skipped: int

    @classmethod
    def of(cls, parts: Sequence[Path], folder: Path, workers: int = 1) -> StoreRows:
        """The rows of some parts; what was found in them before is in `folder`."""
        fresh = [part for part in parts if not _scan_path(part, folder).is_file()]
        if fresh:
            for _ in completed(_scan, folder, fresh, min(workers, len(fresh))):
                pass
        found = [_scanned(part, folder) for part in parts]
        tables = [
            table.append_column("part", pa.array(np.full(len(table), i, np.int32)))
            for i, table in enumerate(found)
        ]
        stored = sum(pq.read_metadata(part).num_rows for part in parts)
        whole = pa.concat_tables(tables)
        return cls(tuple(parts), whole, stored - len(whole))

    def __len__(self) -> int:
        return len(self.table)

    def light(self, rows: Indices) -> Columns:
        """The columns `LIGHT` of some rows."""
        return from_arrow(self.table.select(LIGHT).take(pa.array(rows)))

    def read(self, rows: Indices) -> Columns:
        """All columns of some rows, in their order."""
        places = self.table.select(("part", "place")).take(pa.array(rows))
        return read_rows(self.parts, *(places.column(i).to_numpy() for i in (0, 1)))


def read_rows(parts: Sequence[Path], part: Indices, place: Indices) -> Columns:
    """All columns of the rows `place` of the `part`s; only their row groups are read."""
    tables, order = [], []
    for number in np.unique(part):
        here = np.flatnonzero(part == number)
        with pq.ParquetFile(parts[number]) as file:
            sizes = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
            starts = np.concatenate([[0], np.cumsum(sizes)])
            groups = np.searchsorted(starts, place[here], "right") - 1
            for group in np.unique(groups):
                chosen = here[groups == group]
                table = file.read_row_group(int(group))
                tables.append(table.take(pa.array(place[chosen] - starts[group])))
                order.append(chosen)
    if not tables:
        return from_arrow(INSTANCES.empty_table())
    back = np.argsort(np.concatenate(order))
    whole = pa.concat_tables(tables).unify_dictionaries()
    return from_arrow(whole.take(pa.array(back)))


def _scan_path(part: Path, folder: Path) -> Path:
    """The file of what a part holds; it is known by the part's name, size and time."""
    found = part.stat()
    name = digest([SCAN_VERSION, str(part.resolve()), found.st_size, found.st_mtime_ns])[:20]
    return folder / f"{name}.arrow"


def _scan(folder: Path, part: Path) -> None:
    """Write what a part holds."""
    start = 0
    with (
        pq.ParquetFile(part) as source,
        replacing(_scan_path(part, folder)) as temporary,
        pa.OSFile(str(temporary), "wb") as file,
        pa.ipc.new_file(file, _LIGHT) as to,
    ):
        for group in range(source.num_row_groups):
            table = source.read_row_group(group)
            keep = np.flatnonzero(trainable(from_arrow(table)))
            to.write_table(_light(table.take(pa.array(keep)), keep + start))
            start += len(table)


def _scanned(part: Path, folder: Path) -> pa.Table:
    with pa.memory_map(str(_scan_path(part, folder))) as file:
        return pa.ipc.open_file(file).read_all()


def _light(table: pa.Table, places: Indices) -> pa.Table:
    columns: dict[str, Any] = {
        name: table.column(name).cast(pa.string()) for name in (*LIGHT, *FILES)
    }
    columns["content"] = pa.array(contents(table), pa.binary(16))
    columns["place"] = places.astype(np.int32)
    return pa.table(columns, _LIGHT)


def contents(table: pa.Table) -> list[bytes]:
    """A hash of each row: what decides its crop and its targets, whatever rows stand beside it."""
    if not len(table):
        return []
    names = sorted(name for name in table.column_names if name not in _IGNORED)
    numbers: list[NDArray[np.uint8]] = []
    texts: list[pa.Array] = []
    for name in names:
        column = _flat(table.column(name))
        if pa.types.is_fixed_size_list(column.type) or pa.types.is_primitive(column.type):
            numbers.append(_bytes(column))
        else:
            texts.append(_text(column))
    salt = hashlib.blake2b(repr(names).encode(), digest_size=16).digest()
    lines = np.concatenate(numbers, 1) if numbers else np.zeros((len(table), 0), np.uint8)
    words: Any = [""] * len(table)
    if texts:
        joined = pc.binary_join_element_wise(
            *texts, "\x1f", null_handling="replace", null_replacement=_NULL
        )
        words = joined.to_pylist()
    return [
        hashlib.blake2b(line.tobytes() + word.encode(), digest_size=16, key=salt).digest()
        for line, word in zip(lines, words, strict=True)
    ]


def _flat(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], column.type)
    return whole


def _bytes(column: pa.Array) -> NDArray[np.uint8]:
    """(N, k) the bytes of a column of numbers or vectors; zeros and a mark where it is null."""
    here = ~np.asarray(column.is_null())
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        values = np.zeros((len(column), size), column.type.value_type.to_pandas_dtype())
        values[here] = np.asarray(column.flatten()).reshape(-1, size)
    else:
        zero = False if pa.types.is_boolean(column.type) else 0
        values = np.asarray(column.fill_null(zero).to_numpy(zero_copy_only=False))[:, None]
    raw = np.ascontiguousarray(values).view(np.uint8).reshape(len(column), -1)
    return np.concatenate([here[:, None].view(np.uint8), raw], 1)


def _text(column: pa.Array) -> pa.Array:
    """A column of text or of lists as text."""
    if pa.types.is_list(column.type):
        if column.null_count == len(column):
            return pa.nulls(len(column), pa.string())
        said = [None if value is None else repr(value) for value in column.to_pylist()]
        return pa.array(said, pa.string())
    return column.cast(pa.string())
