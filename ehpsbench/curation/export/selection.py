"""Which rows of a dataset go out, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ehpsbench import sql
from ehpsbench.errors import InputError
from ehpsbench.store import TABLES, Store

if TYPE_CHECKING:
    import duckdb

__all__ = ["ROWS", "Selection"]

ROWS = 512  # people at once: their meshes are posed, 160 MB of SMPL-X


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows of one dataset of a store.

    Attributes:
        store: where they are.
        dataset: name in it.
        split: only this one; None: all.
        where: a SQL condition on columns of `instances`; None: everybody.
    """

    store: Store
    dataset: str
    split: str | None = None
    where: str | None = None

    def splits(self) -> list[str]:
        """The splits that go out.

        Raises:
            UnknownName: the dataset or the split is not in the store.
        """
        self.store.parts("instances", self.dataset, self.split)
        return (
            sorted(self.store.manifest(self.dataset)["splits"])
            if self.split is None
            else [self.split]
        )

    def count(self, split: str) -> int:
        """How many people of a split go out.

        Raises:
            InputError: the condition is no SQL, or names an unknown column.
        """
        return sum(int(kept.sum()) for _, kept in self._kept("instances", split))

    def people(
        self, split: str, columns: Sequence[str] | None = None, rows: int = ROWS
    ) -> Iterator[pa.Table]:
        """Rows of `instances` of a split, so many at a time, in the stored order."""
        return self._batches("instances", split, columns, rows)

    def images(
        self, split: str, columns: Sequence[str] | None = None, rows: int = ROWS
    ) -> Iterator[pa.Table]:
        """Rows of `images` of a split: all of them, or with a condition those that show people."""
        return self._batches("images", split, columns, rows)

    def _batches(
        self, table: str, split: str, columns: Sequence[str] | None, rows: int
    ) -> Iterator[pa.Table]:
        wanted = list(TABLES[table].names if columns is None else columns)
        for path, kept in self._kept(table, split):
            start = 0
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(rows, columns=wanted):
                    chosen = pa.array(kept[start : start + batch.num_rows])
                    start += batch.num_rows
                    found = pa.Table.from_batches([batch]).select(wanted).filter(chosen)
                    if found.num_rows:
                        yield found

    def _kept(self, table: str, split: str) -> Iterator[tuple[Path, NDArray[np.bool_]]]:
        """Every part of a table, and which of its rows go out."""
        parts = self.store.parts(table, self.dataset, split)
        if self.where is None:
            for path in parts:
                yield path, np.ones(pq.read_metadata(path).num_rows, bool)
            return
        with self.store.connect() as connection:
            for path in parts:
                rows = _matching(connection, path, self._condition(table, split))
                kept = np.zeros(pq.read_metadata(path).num_rows, bool)
                kept[rows] = True
                yield path, kept

    def _condition(self, table: str, split: str) -> str:
        """The condition on rows of a part of `table`; the line break ends a comment in it."""
        if table == "instances":
            return f"({self.where}\n)"
        parts = sql.listed(self.store.parts("instances", self.dataset, split))
        people = f"SELECT image_id FROM read_parquet([{parts}]) WHERE ({self.where}\n)"
        return f"image_id IN ({people})"


def _matching(
    connection: duckdb.DuckDBPyConnection, path: Path, condition: str
) -> NDArray[np.int64]:
    """Row numbers in a part that meet a condition."""
    import duckdb

    rows = f"read_parquet([{sql.listed([path])}], file_row_number = true)"
    statement = f"SELECT file_row_number FROM {rows} WHERE {condition}"
    try:
        one = len(connection.extract_statements(statement)) == 1
        if not one or sql.writes(statement):
            raise InputError('--where takes one SQL condition, e.g. "body_valid AND frame < 100".')
        found = connection.execute(statement).fetchnumpy()["file_row_number"]
    except duckdb.Error as error:
        raise InputError(
            f"--where is no condition on the columns of instances: {error}\nExpected SQL such as "
            '"body_valid AND gender = \'female\'"; columns: ehpsbench query "DESCRIBE instances".'
        ) from error
    return np.ma.getdata(np.ma.asarray(found)).astype(np.int64)
