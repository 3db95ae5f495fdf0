"""Predictions of an entry on a benchmark: one Parquet file of neutral SMPL-X parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ehpsbench.atomic import replacing
from ehpsbench.errors import BodyMismatch, InputError
from ehpsbench.schema import to_arrow

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

PREDICTIONS_VERSION = 1
BATCH = 1024  # rows that are read or written at once
BUFFER = 1 << 18  # bytes of a column read at once, whatever the row groups
BODY_HASH = b"ehpsbench.body_hash"
REQUIRED = ("instance_id", "global_orient", "body_pose", "betas")
SIZES = {
    "global_orient": 3,
    "body_pose": 63,
    "left_hand_pose": 45,
    "right_hand_pose": 45,
    "jaw_pose": 3,
    "leye_pose": 3,
    "reye_pose": 3,
    "expression": 10,
    "betas": 10,
    "transl": 3,
    "focal": 2,
}
PREDICTIONS: pa.Schema = pa.schema(
    [
        pa.field("instance_id", pa.string()),
        *(pa.field(name, pa.list_(pa.float32(), size)) for name, size in SIZES.items()),
        pa.field("score", pa.float32()),
    ]
)
PARAMETERS = tuple(name for name in SIZES if name != "focal")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]*")


def predictions_path(store: Store, entry: str, benchmark: str) -> Path:
    """Where an entry's predictions on a benchmark lie.

    Raises:
        InputError: a name that is not fit for a file.
    """
    return store.predictions / file_name(entry) / f"{file_name(benchmark)}.parquet"


def file_name(name: str) -> str:
    """`name`, if it can be a file's."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a file; use letters, digits and . _ + @ -")
    return name


def write_predictions(
    store: Store, entry: str, benchmark: str, columns: Mapping[str, NDArray[Any]], bodies: BodySet
) -> Path:
    """Write predictions, after the same checks that reading makes.

    Args:
        store: where to.
        entry: who predicts.
        benchmark: on what.
        columns: see `predictions_table`.
        bodies: the set that the parameters belong to.

    Raises:
        InputError: a column is unknown, missing, of another size or not finite; an id twice.
    """
    where = f"The predictions of {entry} on {benchmark}"
    return write_batches(store, entry, benchmark, [predictions_table(columns, bodies, where)])


def predictions_table(columns: Mapping[str, NDArray[Any]], bodies: BodySet, where: str) -> pa.Table:
    """Predictions as a table with the columns of `PREDICTIONS` that names its body.

    Args:
        columns: `instance_id` (N,) and neutral SMPL-X parameters, (N, k) axis-angle [rad], hands
            absolute, camera frame [m]; those left out are null: zero when posed. `focal` (N, 2)
            and `score` (N,) are kept for the reader.
        bodies: the set that the parameters belong to.
        where: for messages.

    Raises:
        InputError: a column is unknown, missing, of another size or not finite; an id twice.
    """
    if unknown := sorted(set(columns) - set(PREDICTIONS.names)):
        raise InputError(
            f"{where}: unknown columns {', '.join(unknown)}; known are "
            f"{', '.join(PREDICTIONS.names)}."
        )
    if lacking := [name for name in REQUIRED if name not in columns]:
        raise InputError(
            f"{where}: {', '.join(lacking)} missing; {', '.join(REQUIRED)} are needed."
        )
    metadata = {
        "ehpsbench.predictions_version": str(PREDICTIONS_VERSION),
        BODY_HASH.decode(): bodies.model("smplx", "neutral").hash,
    }
    table = to_arrow(columns, PREDICTIONS).replace_schema_metadata(metadata)
    check_values(table, where)
    refuse_twice(table["instance_id"], where)
    return table


def write_batches(store: Store, entry: str, benchmark: str, batches: Iterable[pa.Table]) -> Path:
    """Put tables of predictions in their place as one file; see `predictions_table`.

    Args:
        store: where to.
        entry: who predicts.
        benchmark: on what.
        batches: one at least, with the columns and metadata of `predictions_table`.
    """
    path = predictions_path(store, entry, benchmark)
    whose = {"ehpsbench.entry": entry, "ehpsbench.benchmark": benchmark}
    tables = iter(batches)
    first = next(tables)
    schema = PREDICTIONS.with_metadata({**(first.schema.metadata or {}), **whose})
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        for table in (first, *tables):
            writer.write_table(table.replace_schema_metadata(schema.metadata), BATCH)
    return path


def read_predictions(
    store: Store, entry: str, benchmark: str, bodies: BodySet | None = None
) -> pa.Table:
    """The predictions of an entry on a benchmark, with the columns of `PREDICTIONS`.

    Args:
        store: where from.
        entry: who predicted.
        benchmark: on what.
        bodies: given, the parameters must belong to its neutral SMPL-X model.

    Raises:
        InputError: the file is not there, broken, of another layout or not finite; an id twice.
        BodyMismatch: the parameters belong to another body.
    """
    table = pa.concat_tables(stored_batches(store, entry, benchmark, bodies))
    refuse_twice(table["instance_id"], str(predictions_path(store, entry, benchmark)))
    return table


def stored_batches(
    store: Store, entry: str, benchmark: str, bodies: BodySet | None = None
) -> Iterator[pa.Table]:
    """The same a few at a time, one table at least; whether somebody is there twice is not seen."""
    path = predictions_path(store, entry, benchmark)
    if not path.is_file():
        raise InputError(f"There are no predictions of {entry} on {benchmark}: {path} is missing.")
    for batch in read_batches(path):
        if bodies is not None:
            check_body(batch, path, bodies)
        yield batch


def read_batches(path: Path) -> Iterator[pa.Table]:
    """The rows of a Parquet file in the columns of `PREDICTIONS`, a few at a time.

    The first table is empty: it tells columns and metadata, also of a file without rows.

    Raises:
        InputError: the file is broken, of another layout, null where it must not, or not finite.
    """
    try:
        with pq.ParquetFile(path, buffer_size=BUFFER) as file:
            yield conform(file.schema_arrow.empty_table(), path)
            for batch in file.iter_batches(BATCH):
                table = conform(pa.Table.from_batches([batch], file.schema_arrow), path)
                check_values(table, str(path))
                yield table
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}") from error


def conform(table: pa.Table, path: Path) -> pa.Table:
    """The table in the columns and types of `PREDICTIONS`; what is left out becomes null.

    Lists of any length class and float width are taken, as pandas, polars and Arrow write them.

    Raises:
        InputError: a column is unknown, missing or of another size.
    """
    if lacking := [name for name in REQUIRED if name not in table.column_names]:
        raise InputError(f"{path} lacks the columns {lacking}; it has {table.column_names}.")
    if unknown := sorted(set(table.column_names) - set(PREDICTIONS.names)):
        raise InputError(f"{path} has unknown columns {unknown}; known are {PREDICTIONS.names}.")
    arrays = []
    for field in PREDICTIONS:
        if field.name not in table.column_names:
            arrays.append(pa.nulls(table.num_rows, field.type))
            continue
        try:
            arrays.append(_cast(table[field.name], field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            found = table.schema.field(field.name).type
            raise InputError(
                f"{path}: column {field.name!r} must be {field.type}, it is {found} ({error})."
            ) from error
    return pa.table(arrays, schema=PREDICTIONS.with_metadata(table.schema.metadata))


def _cast(column: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    """The column in that type; lists of variable length become lists of the one length."""
    if pa.types.is_large_list(column.type):
        column = column.cast(pa.list_(column.type.value_type))
    return column.cast(wanted)


def refuse_twice(people: pa.ChunkedArray, where: str) -> None:
    """Refuse predictions that name somebody twice."""
    counts = people.value_counts()
    twice = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
    if len(twice):
        raise InputError(
            f"{where}: {len(twice)} people are there twice, for example {min(twice.to_pylist())}."
        )


def check_values(table: pa.Table, where: str) -> None:
    """Refuse nulls where values are needed, and values that are not finite."""
    for name in REQUIRED:
        if table[name].null_count:
            raise InputError(f"{where}: {name} is null in {table[name].null_count} rows.")
    for name in SIZES:
        flat = pc.list_flatten(table[name].combine_chunks())
        finite = np.isfinite(flat.to_numpy(zero_copy_only=False))
        if not finite.all():
            rows = np.flatnonzero(np.asarray(table[name].is_valid()))
            row = int(rows[np.argmin(finite) // SIZES[name]])
            raise InputError(
                f"{where}: {name} of {table['instance_id'][row]} is not finite. Leave a person "
                "out, or write a number."
            )


def check_body(table: pa.Table, path: Path, bodies: BodySet) -> None:
    """Refuse parameters of another body than the set's neutral SMPL-X model.

    Raises:
        BodyMismatch: the file names another body, or none.
    """
    metadata = table.schema.metadata or {}
    found = metadata.get(BODY_HASH, b"").decode()
    wanted = bodies.model("smplx", "neutral").hash
    if not found:
        raise BodyMismatch(
            f"{path} does not say which body its parameters belong to. Write it with "
            "write_predictions, or add the metadata ehpsbench.body_hash."
        )
    if found != wanted:
        raise BodyMismatch(
            f"{path} belongs to the body {found[:12]}, the neutral SMPL-X model of {bodies.name} "
            f"is {wanted[:12]}: parameters do not carry over between bodies."
        )


def parameters(table: pa.Table) -> dict[str, NDArray[np.float64]]:
    """(N, k) parameters of each row for `body.forward`; null ones are zero."""
    found = {}
    for name in PARAMETERS:
        column = table[name].combine_chunks()
        values = np.zeros((len(column), SIZES[name]))
        here = np.asarray(column.is_valid())
        values[here] = np.asarray(column.flatten(), np.float64).reshape(-1, SIZES[name])
        found[name] = values
    return found
