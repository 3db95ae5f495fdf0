"""A folder that `datasets.load_dataset` reads: Parquet shards, and a card that says what they are.

Two configurations: `instances`, one row a person, and `images`, one row an image; they meet in
`image_id`. Pictures, where they go along, are in `images`, each once.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ehpsbench.curation.export.hub_card import card
from ehpsbench.curation.export.job import Job
from ehpsbench.curation.export.pictures import upright
from ehpsbench.schema import IMAGES, INSTANCES

__all__ = ["export"]

SHARD_BYTES = 256 << 20  # before compression
GROUP_ROWS = 4096
PICTURES = 32  # rows at once where pictures go along
IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])


def export(job: Job) -> None:
    """Write data/<configuration>/<split>/part-00000.parquet and so on, and README.md."""
    images = _plain(IMAGES)
    if job.embed:
        images = images.append(pa.field("image", IMAGE))
    images = images.with_metadata({"huggingface": json.dumps(_info(images))})
    names = {}
    for split in job.selection.splits():
        names[split] = re.sub(r"\W", "_", split)
        people = _Shards(job.folder / "data" / "instances" / names[split], _plain(INSTANCES))
        for table in job.selection.people(split, rows=GROUP_ROWS):
            people.add(table)
            job.counted(split, "instances", table.num_rows)
        people.close()
        shown = _Shards(job.folder / "data" / "images" / names[split], images)
        rows = PICTURES if job.embed else GROUP_ROWS
        for table in job.selection.images(split, rows=rows):
            shown.add(_with_pictures(table, job.root) if job.embed else table)
            job.counted(split, "images", table.num_rows)
        shown.close()
    if not job.embed:
        total = sum(count.get("images", 0) for count in job.counts.values())
        job.tally.add("the pictures", total, "image_path names them in the release")
    (job.folder / "README.md").write_text(card(job, names), encoding="utf-8")


def _plain(schema: pa.Schema) -> pa.Schema:
    """The same with texts in place of dictionaries, which `datasets` does not know."""
    fields = [
        pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type)
        for f in schema
    ]
    return pa.schema(fields)


def _info(schema: pa.Schema) -> dict[str, Any]:
    """The features of a schema as `datasets` writes them into Parquet files."""
    return {"info": {"features": {field.name: _feature(field.type) for field in schema}}}


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if kind == IMAGE:
        return {"_type": "Image"}
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        size = kind.list_size if pa.types.is_fixed_size_list(kind) else -1
        return {"feature": _feature(kind.value_type), "length": size, "_type": "Sequence"}
    names = {"float": "float32", "double": "float64"}
    return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}


def _with_pictures(table: pa.Table, root: Path) -> pa.Table:
    """The images with their pictures, upright, as the last column."""
    pairs = zip(table["image_path"].to_pylist(), table["orientation"].to_pylist(), strict=True)
    shown = [
        {"bytes": upright(root / path, orientation or 1), "path": Path(path).name}
        for path, orientation in pairs
    ]
    return table.append_column("image", pa.array(shown, IMAGE))


class _Shards:
    """Parquet files of one configuration and split, each of bounded size."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.folder, self.schema, self.count = folder, schema, 0
        self._writer: pq.ParquetWriter | None = None
        self._bytes = 0

    def add(self, table: pa.Table) -> None:
        rows = table.cast(self.schema)
        if self._writer is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"part-{self.count:05d}.parquet"
            self._writer = pq.ParquetWriter(path, self.schema, compression="zstd")
            self.count, self._bytes = self.count + 1, 0
        self._writer.write_table(rows)
        self._bytes += rows.nbytes
        if self._bytes > SHARD_BYTES:
            self.close()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None
