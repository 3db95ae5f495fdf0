"""The staging folder of an ingest, and one unit on its way into it: read, checked, written."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ehpsbench import checks
from ehpsbench.atomic import canonical_json, digest, replacing, write_text
from ehpsbench.collector import uncollected
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.identity import repeat
from ehpsbench.dataset_adapters.release import Unit
from ehpsbench.errors import EhpsbenchError, InputError, StoreError
from ehpsbench.schema import INSTANCES, Columns, Instances, to_arrow

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

REJECT_FIELDS = (
    pa.field("rule", pa.string()),
    pa.field("rule_column", pa.string()),
    pa.field("rule_value", pa.float64()),
    pa.field("rules", pa.string()),  # every rule that the row breaks
)
REJECTS = pa.schema([*REJECT_FIELDS, *INSTANCES], metadata=INSTANCES.metadata)
PACKED = pa.ipc.IpcWriteOptions(compression="lz4")  # read once and deleted: lightly


@dataclass(frozen=True, slots=True)
class StagedUnit:
    """Where the tables of one unit lie, and how many rows they have."""

    folder: Path
    stem: str

    @classmethod
    def of(cls, folder: Path, unit: Unit) -> StagedUnit:
        """The place of a unit in a staging folder."""
        return cls(folder, digest(unit.name)[:24])

    def path(self, table: str) -> Path:
        """The Arrow file of one of its tables: instances, images or rejects."""
        return self.folder / f"{self.stem}.{table}.arrow"

    def read(self, table: str) -> pa.Table:
        """One of its tables."""
        with pa.OSFile(str(self.path(table))) as source:
            return pa.ipc.open_file(source).read_all()

    @property
    def done(self) -> Path:
        """Written last: the unit is staged when this file exists."""
        return self.folder / f"{self.stem}.rows.json"

    def is_done(self) -> bool:
        """Whether all of its tables are there."""
        return self.done.is_file()

    def counts(self) -> dict[str, int]:
        """Rows by table."""
        counts: dict[str, int] = json.loads(self.done.read_text())
        return counts


@contextmanager
def staging_folder(root: Path, dataset: str) -> Iterator[Path]:
    """The staging folder of a dataset, for one ingest at a time; a dead process holds nothing.

    Args:
        root: folder of the store.
        dataset: its name in the store.

    Raises:
        StoreError: the store cannot be written, or another ingest of the dataset is running.
    """
    folder = root / ".staging"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / f"{dataset}.lock").open("w")
    except OSError as error:
        raise StoreError(f"The store {root} cannot be written: {error}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"Another ingest of {dataset} into {root} is running; wait for it to end."
            ) from error
        yield folder / dataset


@contextmanager
def failures_are_clear(staging: Path) -> Iterator[None]:
    """A disk that refuses is one message; what is staged already stays for the next try.

    Raises:
        StoreError: in place of the OSError, with the room that is left.
    """
    try:
        yield
    except OSError as error:
        free = shutil.disk_usage(staging.parent).free / 2**20
        raise StoreError(
            f"Writing below {staging} failed: {error} ({free:.0f} MiB free). The store is as it "
            "was; make room and run the same command again, it goes on where it stopped."
        ) from error


def stage(unit: Unit, bodies: BodySet | None, staged: StagedUnit) -> None:
    """Read one unit, check it, and write its tables; `done` last.

    Raises:
        EhpsbenchError: the unit cannot be read; nothing of it is staged.
    """
    kept, images, rejects = read_unit(unit, bodies)
    tables = {"instances": kept, "images": images, "rejects": rejects}
    for name, table in tables.items():
        with replacing(staged.path(name)) as temporary:
            _write(table, temporary)
    write_text(staged.done, canonical_json({n: t.num_rows for n, t in tables.items()}))


def _write(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_file(str(path), table.schema, options=PACKED) as writer:
        writer.write_table(table)


def read_unit(unit: Unit, bodies: BodySet | None) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Good people, images, and refused people of one unit."""
    release = unit.release
    adapter = catalogue.adapter(release.card.name, release.layout)
    try:
        with uncollected():
            instances: Instances = adapter.read(unit, bodies)
            columns = dict(instances.columns)
            columns["unit"] = repeat(unit.name, len(instances))
            pictured = release.card.pictured
            found = list(checks.findings(columns, bodies, release.root, pictured=pictured))
            kept, rejects = separate(columns, found)
        images = dict(instances.images)
        if images:
            images["unit"] = repeat(unit.name, len(next(iter(images.values()))))
        return kept, Instances({}, images).images_to_arrow(), rejects
    except EhpsbenchError:
        raise
    except Exception as error:  # files of strangers can fail an adapter, or a check, in any way
        files = ", ".join(release.relative(f) for f in unit.files[:3])
        raise InputError(
            f"Unit {unit.name!r} of {release.card.title} cannot be read: "
            f"{type(error).__name__}: {error}. Files: {files} below {release.root}. Is the "
            "download complete, and the release the one that the card describes?"
        ) from error


def separate(columns: Columns, broken: list[checks.Finding]) -> tuple[pa.Table, pa.Table]:
    """Split rows into the good ones, tidied, and the refused ones, as they came."""
    count = len(next(iter(columns.values()), ()))
    first: dict[int, tuple[str, str, float]] = {}
    every: dict[int, list[str]] = {}
    for finding in broken:
        for row, value in zip(finding.rows.tolist(), finding.values.tolist(), strict=True):
            first.setdefault(row, (finding.rule, finding.column, value))
            rules = every.setdefault(row, [])
            if finding.rule not in rules:
                rules.append(finding.rule)
    bad = np.asarray(sorted(first), np.int64)
    good = np.setdiff1d(np.arange(count), bad)
    kept = to_arrow(checks.tidy(_take(columns, good)), INSTANCES)
    return kept, _rejects(_take(columns, bad), [(*first[r], every[r]) for r in bad.tolist()])


def _rejects(columns: Columns, why: list[tuple[str, str, float, list[str]]]) -> pa.Table:
    if not why:
        return REJECTS.empty_table()
    table = to_arrow(columns, INSTANCES)
    reasons = [
        pa.array([rule for rule, *_ in why], pa.string()),
        pa.array([column for _, column, *_ in why], pa.string()),
        pa.array([value for *_, value, _ in why], pa.float64()),
        pa.array([" ".join(rules) for *_, rules in why], pa.string()),
    ]
    return pa.Table.from_arrays([*reasons, *table.columns], schema=REJECTS)


def _take(columns: Columns, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    if len(rows) == len(next(iter(columns.values()), ())):
        return dict(columns)
    return {name: values[rows] for name, values in columns.items()}
