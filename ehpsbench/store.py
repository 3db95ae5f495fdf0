"""The store: a folder of Parquet parts and manifests; what is not in a manifest does not exist."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ehpsbench import sql
from ehpsbench.atomic import digest
from ehpsbench.errors import InputError, StoreError, UnknownName
from ehpsbench.schema import IMAGES, INSTANCES, SCHEMA_VERSION

if TYPE_CHECKING:
    import duckdb

DEFAULT_STORE = Path("ehps-store")
ENVIRONMENT = "EHPSBENCH_STORE"
TABLES = {"instances": INSTANCES, "images": IMAGES}
MANIFEST_KEYS = (
    "schema_version",
    "source_dataset",
    "release_root",
    "body_set",
    "splits",
    "rejects",
)
PARTS_KEYS = ("instances_parts", "images_parts")
POINTS_SUFFIX = ".points.parquet"  # mean errors of points, beside the rows of a result
BATCH = 1024  # rows: two megabytes of people without keypoints


def default_store() -> Path:
    """Where the store is when no flag says so: `EHPSBENCH_STORE`, else ./ehps-store."""
    return Path(os.environ.get(ENVIRONMENT) or DEFAULT_STORE)


class Store:
    """A store on disk, seen through its manifests.

    Args:
        root: its folder; it need not exist yet.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        if self.root.exists() and not self.root.is_dir():
            raise StoreError(f"The store {self.root} is a file; give a folder.")

    @property
    def runs(self) -> Path:
        """Training cells."""
        return self.root / "runs"

    @property
    def predictions(self) -> Path:
        """Predictions by entry and benchmark."""
        return self.root / "predictions"

    @property
    def results(self) -> Path:
        """Per-instance errors by entry and benchmark."""
        return self.root / "results"

    @property
    def reports(self) -> Path:
        """HTML reports."""
        return self.root / "reports"

    @property
    def index(self) -> Path:
        """The DuckDB file with views over everything; rebuilt at will."""
        return self.root / "index.duckdb"

    def folder(self, table: str, dataset: str) -> Path:
        """Where the parts of a dataset's table lie."""
        return self.root / table / dataset

    def manifest_path(self, dataset: str) -> Path:
        """The file that makes a dataset exist."""
        return self.folder("instances", dataset) / "manifest.json"

    def datasets(self) -> list[str]:
        """Names of the datasets that have a manifest."""
        found = self.root.glob("instances/*/manifest.json")
        return sorted(p.parent.name for p in found if not p.parent.name.startswith("."))

    def manifest(self, dataset: str) -> dict[str, Any]:
        """The manifest of a dataset.

        Raises:
            UnknownName: the dataset was not ingested into this store.
            StoreError: the manifest is broken, or of another schema version.
        """
        path = self.manifest_path(dataset)
        if not path.is_file():
            known = self.datasets()
            if not known:
                raise StoreError(
                    f"The store {self.root} holds no datasets. Fill it: ehpsbench ingest NAME "
                    "--root DIR, or point --store (or EHPSBENCH_STORE) at another store."
                )
            raise UnknownName.of("dataset in the store", dataset, known)
        try:
            manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            lacking = [key for key in MANIFEST_KEYS if key not in manifest]
            for split, account in () if lacking else manifest["splits"].items():
                lacking += [f"{split}.{key}" for key in PARTS_KEYS if key not in account]
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise StoreError(f"{path} is broken ({error}). Ingest {dataset} again.") from error
        if lacking:
            raise StoreError(f"{path} is broken: it lacks {lacking}. Ingest {dataset} again.")
        if manifest["schema_version"] != SCHEMA_VERSION:
            raise StoreError(
                f"{dataset} was stored with schema {manifest['schema_version']}, this ehpsbench "
                f"reads schema {SCHEMA_VERSION}. Ingest it again."
            )
        return manifest

    def instances(
        self, dataset: str, split: str | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The people of a dataset (of one split), in the stored order."""
        return self._read("instances", dataset, split, columns)

    def images(
        self, dataset: str, split: str | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The images of a dataset (of one split), with and without people."""
        return self._read("images", dataset, split, columns)

    def batches(
        self, table: str, dataset: str, split: str, columns: Sequence[str], rows: int = BATCH
    ) -> Iterator[pa.Table]:
        """The rows of `instances` or `images` so many at a time, in the stored order."""
        wanted = _known(table, columns)
        for path in self.parts(table, dataset, split):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(rows, columns=wanted):
                    yield pa.Table.from_batches([batch]).select(wanted)

    def rejects(self, dataset: str, columns: Sequence[str] | None = None) -> pa.Table:
        """The refused rows of a dataset, whole, with `rule`, `rule_column`, `rule_value`."""
        self.manifest(dataset)
        names = None if columns is None else list(columns)
        return pq.read_table(self.rejects_path(dataset), columns=names)

    def rejects_path(self, dataset: str) -> Path:
        """The Parquet file of a dataset's refused rows."""
        return self.root / "rejects" / f"{dataset}.parquet"

    def release_root(self, dataset: str) -> Path:
        """Where the release lay when it was ingested; images are relative to it."""
        return Path(self.manifest(dataset)["release_root"])

    def pictured(self, dataset: str) -> bool:
        """Whether the people of a dataset are in pictures; those of motions are not."""
        return bool(self.manifest(dataset).get("pictured", True))

    def parts(self, table: str, dataset: str, split: str | None = None) -> list[Path]:
        """The Parquet parts of a table that the manifest lists."""
        splits = self.manifest(dataset)["splits"]
        if split is not None and split not in splits:
            raise UnknownName.of(f"split of {dataset}", split, splits)
        chosen = splits.values() if split is None else [splits[split]]
        return [self.folder(table, dataset) / p for s in chosen for p in s[f"{table}_parts"]]

    def _read(
        self, table: str, dataset: str, split: str | None, columns: Sequence[str] | None
    ) -> pa.Table:
        wanted = _known(table, columns)
        empty = TABLES[table].empty_table().select(wanted)
        parts = [
            pq.read_table(path, columns=wanted, partitioning=None)
            for path in self.parts(table, dataset, split)
        ]
        return pa.concat_tables([empty, *parts]).unify_dictionaries() if parts else empty

    def fingerprint(self) -> str:
        """Changes whenever a manifest of the store does."""
        return digest({name: self.manifest(name) for name in self.datasets()})

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection with views `instances`, `images`, `rejects`, `results`, `points`.

        The views are over the Parquet files themselves, so they are never out of date. A statement
        can open these files and no others.

        Raises:
            StoreError: a file of the store is missing or broken; names it.
        """
        import duckdb

        files = self._files()
        connection = duckdb.connect()
        try:
            for name, statement in self._views(files).items():
                connection.execute(f"CREATE VIEW {name} AS {statement}")
        except duckdb.Error as error:
            connection.close()
            raise _broken(files, error) from error
        readable = list(chain.from_iterable(files.values()))
        connection.execute(f"SET allowed_paths = [{sql.listed(readable)}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        return connection

    def query(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of a SQL statement over the views.

        Raises:
            StoreError: the store is empty, or a file of it is broken.
            InputError: the statement is empty or writes, or DuckDB refuses it; its own words, and
                which views there are.
        """
        import duckdb

        files = self._files()
        if not any(files.values()):
            raise StoreError(f"The store {self.root} holds nothing to ask. Ingest a dataset first.")
        with self.connect() as connection:
            try:
                if not connection.extract_statements(statement):
                    raise InputError("Give a SQL statement, e.g. SELECT * FROM instances LIMIT 3.")
                if sql.writes(statement):
                    raise InputError("A query only reads; COPY and EXPORT are not for the store.")
                found = connection.execute(statement)
                return [column[0] for column in found.description or ()], found.fetchall()
            except duckdb.IOException as error:
                raise _broken(files, error) from error
            except duckdb.Error as error:
                raise InputError(f"{error}\nViews: {', '.join(self._views(files))}.") from error

    def rebuild_index(self) -> Path:
        """Write index.duckdb anew: the same views, for other programs to open."""
        import duckdb

        self.root.mkdir(parents=True, exist_ok=True)
        temporary = self.index.with_name(f".{self.index.name}.{os.getpid()}.tmp")
        temporary.unlink(missing_ok=True)
        with duckdb.connect(str(temporary)) as connection:
            for name, statement in self._views(self._files()).items():
                connection.execute(f"CREATE VIEW {name} AS {statement}")
        temporary.replace(self.index)
        return self.index

    def _files(self) -> dict[str, list[Path]]:
        """The Parquet files of each view; `results` and `points` only where there are some."""
        names = self.datasets()
        files = {t: [p for n in names for p in self.parts(t, n)] for t in TABLES}
        files["rejects"] = [self.rejects_path(n) for n in names]
        stored = sorted(self.results.glob("*/*.parquet"))
        points = [path for path in stored if path.name.endswith(POINTS_SUFFIX)]
        found = {"results": [path for path in stored if path not in set(points)], "points": points}
        return files | {name: paths for name, paths in found.items() if paths}

    def _views(self, files: Mapping[str, Sequence[Path]]) -> dict[str, str]:
        from ehpsbench.staging import REJECTS

        schemas = {**TABLES, "rejects": REJECTS}
        views = {
            n: sql.scan(paths) if paths else sql.nothing(schemas[n]) for n, paths in files.items()
        }
        for name in views.keys() & {"results", "points"}:
            views[name] = (
                "SELECT parse_path(filename)[-2] AS entry, regexp_replace(parse_filename(filename, "
                f"true), '\\.points$', '') AS benchmark, * EXCLUDE (filename) "
                f"FROM ({sql.scan(files[name], True)})"
            )
        return views


def _known(table: str, columns: Sequence[str] | None) -> list[str]:
    """The columns asked for, which the table must have; None: all."""
    names = TABLES[table].names
    wanted = list(names if columns is None else columns)
    if unknown := [name for name in wanted if name not in names]:
        raise UnknownName.of(f"column of {table}", unknown[0], names)
    return wanted


def _broken(files: Mapping[str, Sequence[Path]], error: Exception) -> StoreError:
    """The error that names the first file of the store that cannot be read."""
    for path in chain.from_iterable(files.values()):
        try:
            pq.read_table(path, partitioning=None)
        except (OSError, pa.ArrowException) as reason:
            made = [*files.get("results", ()), *files.get("points", ())]
            again = "Evaluate" if path in made else "Ingest its dataset"
            return StoreError(f"{path} is missing or broken ({reason}). {again} again.")
    return StoreError(f"A file of the store cannot be read ({error}). Ingest its dataset again.")
