"""The rows of a result as a file from a stranger: read with bounds, then looked through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ehpsbench.errors import InputError
from ehpsbench.evaluation.results import IDENTITIES

MOST_ROWS = 5_000_000
MOST_BYTES = 2 << 30  # unpacked


def read_rows_file(path: Path) -> pa.Table:
    """The table in a Parquet file.

    Raises:
        InputError: it is broken, or unpacks to more than any benchmark has.
    """
    try:
        with pq.ParquetFile(path) as file:
            about = file.metadata
            groups = [about.row_group(i) for i in range(about.num_row_groups)]
            unpacked = sum(group.total_byte_size for group in groups)
            if about.num_rows > MOST_ROWS or unpacked > MOST_BYTES:
                raise InputError(f"{about.num_rows:,} rows of {unpacked:,} bytes are too many.")
            return file.read()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot be read as Parquet: {error}") from error


def faults_of(rows: pa.Table) -> Iterator[str]:
    """What is wrong with the columns of a result, a sentence each."""
    names = rows.column_names
    identities = [name for name in IDENTITIES if name in names]
    if len(identities) != 1 or "cluster" not in names:
        yield f"wants one of {', '.join(IDENTITIES)}, and cluster; has {', '.join(names)}"
        return
    for name in (identities[0], "cluster"):
        if rows.schema.field(name).type != pa.string() or rows[name].null_count:
            yield f"{name} must be text and never null"
            return
    if len(pc.unique(rows[identities[0]])) < rows.num_rows:
        yield f"{identities[0]} names somebody twice"
    for name in names:
        if name not in (identities[0], "cluster"):
            yield from _column_faults(name, rows[name])


def _column_faults(name: str, column: pa.ChunkedArray) -> Iterator[str]:
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        column, kind = pc.list_flatten(column), kind.value_type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        yield f"{name} holds {kind}, not numbers"
    elif column.null_count:
        yield f"{name} is null in {column.null_count} rows; what is not defined is NaN"
    elif pa.types.is_floating(kind) and np.isinf(np.asarray(column)).any():
        yield f"{name} is infinite somewhere"
