"""Staged units → parts of fixed size, in a fixed order; then one move into the store."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ehpsbench.atomic import file_digest, sync, write_text
from ehpsbench.errors import InputError
from ehpsbench.staging import REJECTS, StagedUnit
from ehpsbench.store import TABLES, Store

FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
COMPRESSION = "zstd"
ROW_GROUP = 4096
PART_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Merged:
    """Rows that went into the store."""

    instances: dict[str, int]
    images: dict[str, int]
    rejects: dict[str, int]


@dataclass(slots=True)
class _Parts:
    """Writes one table of one split as part-00000.parquet and so on."""

    folder: Path
    schema: pa.Schema
    rows: int = 0
    names: list[str] = field(default_factory=list)
    _waiting: list[pa.Table] = field(default_factory=list)
    _writer: pq.ParquetWriter | None = None
    _in_part: int = 0

    def add(self, table: pa.Table) -> None:
        self._waiting.append(table)
        self.rows += table.num_rows
        while sum(t.num_rows for t in self._waiting) >= ROW_GROUP:
            self._write(ROW_GROUP)

    def close(self) -> None:
        if self._waiting and sum(t.num_rows for t in self._waiting):
            self._write(ROW_GROUP)
        self._finish_part()

    def _write(self, rows: int) -> None:
        table = pa.concat_tables(self._waiting)
        group = table.slice(0, rows).unify_dictionaries().combine_chunks()
        self._waiting = [table.slice(rows)]
        if self._writer is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.names.append(f"{self.folder.name}/part-{len(self.names):05d}.parquet")
            path = self.folder.parent / self.names[-1]
            self._writer = pq.ParquetWriter(path, self.schema, compression=COMPRESSION)
        self._writer.write_table(group, row_group_size=ROW_GROUP)
        self._in_part += group.num_rows
        if self._in_part >= PART_ROWS:
            self._finish_part()

    def _finish_part(self) -> None:
        if self._writer is not None:
            self._writer.close()
            sync(self.folder.parent / self.names[-1])
        self._writer, self._in_part = None, 0


def merge(
    store: Store,
    dataset: str,
    staging: Path,
    units: Sequence[StagedUnit],
    *,
    limit: int | None,
    manifest: dict[str, Any],
) -> Merged:
    """Write the tables of `units` as parts and put them in the place of the dataset's old ones.

    Args:
        store: where to.
        dataset: name in the store.
        staging: the job's folder; the new parts are made in it.
        units: staged units, in the order of the release.
        limit: keep the first so many people.
        manifest: its head; the splits and counts are added here.

    Raises:
        InputError: a split that cannot name a folder; the old parts are still in place.
        OSError: the disk is full or refuses; the old parts are still in place.
    """
    fresh = staging / "merged"
    shutil.rmtree(fresh, ignore_errors=True)
    instances, twice = _write_instances(fresh / "instances", units, limit)
    images = _write_images(fresh / "images", units)
    rejects = _write_rejects(fresh / "rejects.parquet", units, twice)
    whole = manifest | {"splits": _splits(fresh, instances, images), "rejects": rejects}
    text = json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    write_text(fresh / "manifest.json", text)
    _move_in(store, dataset, fresh)
    return Merged(
        {split: parts.rows for split, parts in instances.items()},
        {split: parts.rows for split, parts in images.items()},
        rejects,
    )


def _write_instances(
    folder: Path, units: Sequence[StagedUnit], limit: int | None
) -> tuple[dict[str, _Parts], list[pa.Table]]:
    """Parts by split, and the rows whose id was there before."""
    twice: list[pa.Table] = []
    tables = _limited(_unique(units, "instances", "instance_id", twice), limit)
    return _write_by_split(folder, "instances", tables), twice


def _write_images(folder: Path, units: Sequence[StagedUnit]) -> dict[str, _Parts]:
    """Parts by split; an image that several units know is kept once."""
    return _write_by_split(folder, "images", _unique(units, "images", "image_id", []))


def _write_by_split(folder: Path, table: str, tables: Iterator[pa.Table]) -> dict[str, _Parts]:
    parts: dict[str, _Parts] = {}
    for rows in tables:
        names = _split_names(rows)
        for split in names:
            mine = rows["split"].cast(pa.string())
            chosen = rows if len(names) == 1 else rows.filter(pc.equal(mine, split))
            parts.setdefault(split, _Parts(folder / split, TABLES[table])).add(chosen)
    for part in parts.values():
        part.close()
    return dict(sorted(parts.items()))


def _split_names(rows: pa.Table) -> list[str]:
    """The splits of some rows; they become folders of the store."""
    names: list[str] = pc.unique(rows["split"].cast(pa.string())).to_pylist()
    for name in names:
        if name is None or not FOLDER_NAME.fullmatch(name):
            raise InputError(f"An adapter gave the split {name!r}; expected a plain name.")
    return sorted(names)


def _unique(
    units: Sequence[StagedUnit], table: str, key: str, twice: list[pa.Table]
) -> Iterator[pa.Table]:
    """The units' tables without the rows whose key was seen before; those go to `twice`."""
    seen: set[str] = set()
    for unit in units:
        rows = unit.read(table)
        keys = rows[key].to_pylist()
        if len(set(keys)) == len(keys) and seen.isdisjoint(keys):
            seen.update(keys)
            yield rows
            continue
        fresh = np.ones(rows.num_rows, bool)
        for i, value in enumerate(keys):
            fresh[i] = value not in seen
            seen.add(value)
        twice.append(rows.filter(pa.array(~fresh)))
        yield rows.filter(pa.array(fresh))


def _limited(tables: Iterator[pa.Table], limit: int | None) -> Iterator[pa.Table]:
    left = limit
    for table in tables:
        if left is None:
            yield table
            continue
        yield table.slice(0, left)
        left -= min(left, table.num_rows)


def _write_rejects(
    path: Path, units: Sequence[StagedUnit], twice: Sequence[pa.Table]
) -> dict[str, int]:
    """All refused rows in one file; returns counts by rule."""
    tables = [u.read("rejects") for u in units if u.counts()["rejects"]]
    for table in twice:
        rule = pa.array(["duplicate_id"] * table.num_rows, pa.string())
        column = pa.array(["instance_id"] * table.num_rows, pa.string())
        value = pa.nulls(table.num_rows, pa.float64())
        tables.append(
            pa.Table.from_arrays([rule, column, value, rule, *table.columns], schema=REJECTS)
        )
    table = pa.concat_tables([REJECTS.empty_table(), *tables]).unify_dictionaries()
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression=COMPRESSION)
    sync(path)
    counts = table["rule"].value_counts().to_pylist()
    return dict(sorted((c["values"], c["counts"]) for c in counts))


def _splits(
    fresh: Path, instances: dict[str, _Parts], images: dict[str, _Parts]
) -> dict[str, dict[str, Any]]:
    """The manifest's account of every split."""
    splits: dict[str, dict[str, Any]] = {}
    for split in sorted(set(instances) | set(images)):
        account: dict[str, Any] = {}
        for table, parts in (("instances", instances), ("images", images)):
            names = parts[split].names if split in parts else []
            account[table] = parts[split].rows if split in parts else 0
            account[f"{table}_parts"] = names
            account[f"{table}_sha256"] = [file_digest(fresh / table / n) for n in names]
        splits[split] = account
    return splits


def _move_in(store: Store, dataset: str, fresh: Path) -> None:
    """Swap the new folders in by renames; the one with the manifest comes last.

    A rename that fails is undone, and so are those before it. A process that is killed between
    two of them leaves the dataset absent until the same command runs again.
    """
    (fresh / "images").mkdir(exist_ok=True)
    (fresh / "instances").mkdir(exist_ok=True)
    (fresh / "manifest.json").replace(fresh / "instances" / "manifest.json")
    sync(fresh / "instances")
    old = fresh / "old"
    old.mkdir()
    rejects = store.rejects_path(dataset)
    pairs = [
        (store.folder("instances", dataset), old / "instances"),
        (store.folder("images", dataset), old / "images"),
        (rejects, old / "rejects.parquet"),
        (fresh / "rejects.parquet", rejects),
        (fresh / "images", store.folder("images", dataset)),
        (fresh / "instances", store.folder("instances", dataset)),
    ]
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in pairs:
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.exists():
                source.rename(target)
                done.append((source, target))
        sync(store.folder("instances", dataset).parent)
    except OSError:
        for source, target in reversed(done):
            target.rename(source)
        raise
