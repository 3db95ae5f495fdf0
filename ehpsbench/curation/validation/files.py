"""The files behind a dataset: parts of the store, annotations and images of the release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ehpsbench.atomic import file_digest
from ehpsbench.curation.validation.findings import Findings
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.release import Release
from ehpsbench.errors import EhpsbenchError
from ehpsbench.geometry import orient_size
from ehpsbench.store import TABLES, Store

__all__ = ["check_images", "check_parts", "check_release"]

MEASURED = 256  # images whose size is looked up
AGAIN = "Ingest {name} again."


def check_parts(store: Store, name: str, found: Findings, *, hashes: bool) -> None:
    """Every part that the manifest lists is there, whole, with its rows and columns."""
    for split, account in store.manifest(name)["splits"].items():
        for table in TABLES:
            rows = 0
            digests = account.get(f"{table}_sha256", [])
            parts = store.parts(table, name, split)
            for place, path in enumerate(parts):
                try:
                    rows += _rows_of(path, TABLES[table])
                except (OSError, ValueError, pa.ArrowException) as error:
                    found.add("store_file", 1, f"{path}: {error}", AGAIN.format(name=name))
                    continue
                if hashes and place < len(digests) and file_digest(path) != digests[place]:
                    example = f"{path} has changed since the ingest"
                    found.add("store_hash", 1, example, AGAIN.format(name=name))
            if rows != account[table]:
                said = account[table]
                example = f"{split}: the manifest says {said} {table}, there are {rows}"
                found.add(
                    "store_rows", abs(rows - account[table]), example, AGAIN.format(name=name)
                )


def _rows_of(path: Path, schema: pa.Schema) -> int:
    """Rows of a part.

    Raises:
        ValueError: its columns are not those of the schema.
    """
    found = pq.read_schema(path)
    if found.names != schema.names or found.types != schema.types:
        raise ValueError("its columns are not those of the schema")
    return int(pq.read_metadata(path).num_rows)


def check_release(store: Store, name: str, found: Findings, *, hashes: bool) -> bool:
    """Whether the release is there; are its annotation files those that were read?"""
    from ehpsbench.atomic import digest
    from ehpsbench.ingest import annotation_files

    manifest = store.manifest(name)
    root = store.release_root(name)
    if not root.is_dir():
        remedy = "Put the release back, or ingest it from where it is now."
        found.add("release", 1, f"{root} is not there", remedy)
        return False
    if not hashes:
        return True
    card = catalogue.card(manifest["source_dataset"])
    release = Release(root, card, name, manifest["layout"])
    try:
        units = list(catalogue.adapter(card.name, release.layout).units(release))
        now = digest(annotation_files(release, units))
    except EhpsbenchError as error:
        found.add("release", 1, str(error).splitlines()[0], AGAIN.format(name=name))
        return True
    if now != manifest["fingerprint"]:
        example = f"files below {root} are not those that were read"
        found.add("release_changed", 1, example, AGAIN.format(name=name))
    return True


def check_images(store: Store, name: str, found: Findings) -> None:
    """Every image is there; of some, spread over the release, the size is as stored."""
    root, number = store.release_root(name), 0
    manifest = store.manifest(name)
    total = sum(account["images"] for account in manifest["splits"].values())
    step = max(total // MEASURED, 1)
    columns = ("image_path", "orientation", "height", "width")
    for split in manifest["splits"]:
        for table in store.batches("images", name, split, columns):
            for row in table.to_pylist():
                number += 1
                path = root / str(row["image_path"])
                if not path.is_file():
                    remedy = f"Unpack the images of the release below {root}."
                    found.add("image_missing", 1, str(path), remedy)
                elif number % step == 0:
                    _check_size(path, row, found)


def _check_size(path: Path, row: dict[str, Any], found: Findings) -> None:
    """The stored size is that of the file, turned."""
    from PIL import Image, UnidentifiedImageError

    remedy = "Copy or unpack the image from the release again."
    try:
        with Image.open(path) as picture:
            size = orient_size(row["orientation"] or 1, *picture.size)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        found.add("image_broken", 1, f"{path}: {error}", remedy)
        return
    if size != (row["width"], row["height"]):
        said = f"{row['width']}x{row['height']}"
        example = f"{path} is {size[0]}x{size[1]} when turned, stored as {said}"
        remedy = "The images are of another resolution than the labels; use those that belong."
        found.add("image_size", 1, example, remedy)
