"""Results of an entry on a benchmark: one row a person, and a summary that says what they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ehpsbench.atomic import digest, file_digest, replacing, write_text
from ehpsbench.errors import InputError, StoreError
from ehpsbench.evaluation.migrations import migrated
from ehpsbench.evaluation.numbers import Number
from ehpsbench.evaluation.predictions import file_name
from ehpsbench.store import POINTS_SUFFIX

if TYPE_CHECKING:
    from ehpsbench.store import Store

IDENTITIES = ("instance_id", "image_id")
ALIGNMENTS = ("root", "similarity")  # of the mean errors of points


@dataclass(frozen=True, slots=True)
class Result:
    """An entry's errors on a benchmark.

    Attributes:
        rows: instance_id or image_id, cluster, and a column for each value or statistic; NaN
            where not defined.
        summary: protocol, body set, counts and numbers; see `ehpsbench.evaluation.summary`.
        number_of: the primary number of some of the rows, where it is no mean of a column; not
            stored.
        points: mean error of every vertex and joint, where bodies are compared; read back by
            `points_of`.
    """

    rows: pa.Table
    summary: dict[str, Any]
    number_of: Callable[[pa.Table], Number] | None = None
    points: pa.Table | None = None

    def number(self, name: str | None = None) -> float:
        """A number of the summary; the primary one for None, NaN where it is not defined."""
        value = self.summary["numbers"][name or self.summary["primary"]]["value"]
        return float("nan") if value is None else float(value)


def result_rows(
    people: Sequence[str], clusters: Sequence[str], errors: Mapping[str, NDArray[np.float64]]
) -> pa.Table:
    """The table of a result."""
    columns = {name: pa.array(values, pa.float64()) for name, values in errors.items()}
    identity = {"instance_id": pa.array(people, pa.string())}
    return pa.table({**identity, "cluster": pa.array(clusters, pa.string()), **columns})


def error_columns(rows: pa.Table) -> list[str]:
    """Names of the error columns of a result."""
    return [name for name in rows.column_names if name not in (*IDENTITIES, "cluster")]


def identity_column(rows: pa.Table) -> str:
    """What a row of a result is about: `instance_id` or `image_id`."""
    return next(name for name in IDENTITIES if name in rows.column_names)


def write_result(store: Store, result: Result) -> Path:
    """Write rows, then the summary: a result without a summary does not exist."""
    whose = result.summary["entry"], result.summary["benchmark"]
    path, points = rows_path(store, *whose), points_path(store, *whose)
    path.with_suffix(".json").unlink(missing_ok=True)
    points.unlink(missing_ok=True)
    with replacing(path) as temporary:
        pq.write_table(result.rows, temporary, compression="zstd")
    summary = result.summary | {"rows_sha256": file_digest(path)}
    if result.points is not None:
        with replacing(points) as temporary:
            pq.write_table(result.points, temporary, compression="zstd")
        summary["points_sha256"] = file_digest(points)
    text = json.dumps(summary, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    write_text(path.with_suffix(".json"), text)
    return path


def rows_path(store: Store, entry: str, benchmark: str) -> Path:
    """Where an entry's rows on a benchmark lie; the summary lies beside them as .json."""
    return store.results / file_name(entry) / f"{file_name(benchmark)}.parquet"


def points_path(store: Store, entry: str, benchmark: str) -> Path:
    """Where the mean errors of its points lie, if it has any."""
    path = rows_path(store, entry, benchmark)
    return path.with_name(f"{path.stem}{POINTS_SUFFIX}")


def has_result(store: Store, entry: str, benchmark: str) -> bool:
    """Whether an entry has been evaluated on a benchmark."""
    return rows_path(store, entry, benchmark).with_suffix(".json").is_file()


def read_result(store: Store, entry: str, benchmark: str) -> Result:
    """Rows and summary of an entry on a benchmark.

    Raises:
        InputError: it was not evaluated.
        StoreError: rows and summary do not fit.
    """
    summary = read_summary(store, entry, benchmark)
    path = rows_path(store, entry, benchmark)
    return Result(read_spoken_of(path, summary["rows_sha256"]), summary)


def read_spoken_of(path: Path, sha256: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The table in a file of a result, if it is the one that the summary speaks of.

    The file is read once, for its hash and for its rows; `pyarrow.parquet.read_table` looks for
    a dataset first, which takes longer than to read a result.

    Args:
        path: `<results>/<entry>/<benchmark>….parquet`.
        sha256: of the file, as the summary has it.
        columns: to read; None: all.

    Raises:
        StoreError: it is missing, or another.
    """
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise StoreError(
            f"{path} is not the file that its summary speaks of. Evaluate {path.parent.name} on "
            "its benchmark again."
        )
    with pq.ParquetFile(pa.BufferReader(content)) as file:
        return file.read(None if columns is None else list(columns), use_threads=False)


def points_of(
    store: Store, summary: Mapping[str, Any], columns: Sequence[str] | None = None
) -> pa.Table | None:
    """The mean errors of the points of a result; None where it was made without.

    Args:
        store: with the result.
        summary: of the result.
        columns: to read; None: all.

    Raises:
        StoreError: the file is not the one that the summary speaks of.
    """
    if summary.get("points_sha256") is None:
        return None
    path = points_path(store, summary["entry"], summary["benchmark"])
    return read_spoken_of(path, summary["points_sha256"], columns)


def read_rows(store: Store, entry: str, benchmark: str) -> pa.Table:
    """The rows of a result; see `read_result`."""
    return read_result(store, entry, benchmark).rows


def read_summary(store: Store, entry: str, benchmark: str) -> dict[str, Any]:
    """The summary of a result, in today's layout whatever version wrote it.

    Raises:
        InputError: it was not evaluated.
        StoreError: the summary is broken, or of a newer version.
    """
    path = rows_path(store, entry, benchmark).with_suffix(".json")
    if not path.is_file():
        raise InputError(
            f"{entry} has no result on {benchmark}: {path} is missing. Predict, then evaluate."
        )
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StoreError(f"{path} is broken ({error}). Evaluate again.") from error
    return migrated(summary, path)


def comparison_key(summary: Mapping[str, Any]) -> str:
    """Equal for results whose numbers may stand in one table: same rules, rows and body set."""
    names = ("protocol_hash", "body_set", "data")
    return digest({name: summary[name] for name in names})
