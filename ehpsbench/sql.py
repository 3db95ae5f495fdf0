"""SQL over the store: SELECTs on its files, and which statements would write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

SQL_TYPES = {
    "string": "VARCHAR",
    "bool": "BOOLEAN",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
}
WRITES = (b"copy", b"export")  # DuckDB lets a statement write where it may read


def listed(paths: Sequence[Path]) -> str:
    """The paths as the inside of a SQL list."""
    return ", ".join("'" + str(path.resolve()).replace("'", "''") + "'" for path in paths)


def scan(paths: Sequence[Path], filename: bool = False) -> str:
    """A SELECT of all rows of Parquet files, with their names as a column on demand."""
    options = "union_by_name = true" + (", filename = true" if filename else "")
    return f"SELECT * FROM read_parquet([{listed(paths)}], {options})"


def nothing(schema: pa.Schema) -> str:
    """A SELECT of no rows with the columns of a schema."""
    columns = ", ".join(f'CAST(NULL AS {_sql_type(f.type)}) AS "{f.name}"' for f in schema)
    return f"SELECT {columns} WHERE false"


def _sql_type(kind: pa.DataType) -> str:
    """The type that DuckDB reads from Parquet for an Arrow type."""
    if pa.types.is_dictionary(kind):
        return _sql_type(kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        return f"{_sql_type(kind.value_type)}[]"
    return SQL_TYPES[str(kind)]


def writes(statement: str) -> bool:
    """Whether a word of the statement is one that writes files; quoted text is no word."""
    import duckdb

    text = statement.encode()  # DuckDB counts bytes
    words = (re.match(rb"\w*", text[start:]) for start, _ in duckdb.tokenize(statement))
    return any(word and word[0].lower() in WRITES for word in words)
