"""COCO-WholeBody: one JSON a split, written person by person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ehpsbench.curation.export.coco_people import CATEGORY, KEPT, annotated, count_changes
from ehpsbench.curation.export.job import Job
from ehpsbench.curation.export.pictures import PictureFiles
from ehpsbench.motions import refuse_motions
from ehpsbench.schema import from_arrow

__all__ = ["export"]


def export(job: Job) -> None:
    """Write annotations/<dataset>_<split>.json; pictures below images/ where asked for.

    Raises:
        InputError: there are no pictures.
    """
    why, remedy = "COCO lists pictures and who is in them", "Give --format hf or humandata"
    refuse_motions(job.selection.store, job.dataset, why, remedy)
    for split in job.selection.splits():
        path = job.folder / "annotations" / f"{job.dataset}_{split}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with _Document(path) as document:
            document.add("info", _info(job, split))
            licence = {"id": 1, "name": job.card.licence.name, "url": job.card.homepage}
            document.add("licenses", [licence])
            document.add("categories", [CATEGORY])
            numbers = _write_images(document, job, split)
            _write_people(document, job, split, numbers)


def _info(job: Job, split: str) -> dict[str, Any]:
    return {
        "description": f"{job.card.title}, {split}, as COCO-WholeBody, by ehpsbench",
        "url": job.card.homepage,
        "version": str(job.manifest["ehpsbench_version"]),
        "year": job.card.year,
    }


def _write_images(document: _Document, job: Job, split: str) -> dict[str, int]:
    """The list of images; returns their numbers by `image_id`."""
    numbers: dict[str, int] = {}
    pictures = PictureFiles(job.folder / "images", job.root) if job.embed else None
    names = ("image_id", "image_path", "orientation", "height", "width")
    document.begin("images")
    for table in job.selection.images(split, names):
        columns = from_arrow(table)
        paths = columns["image_path"]
        if pictures is not None:
            paths = pictures.add(paths, columns["orientation"])
        else:
            turned = int((columns["orientation"] != 1).sum())
            why = "COCO has no word for it: pixels refer to the turned image; embed the pictures"
            job.tally.add("orientation of images", turned, why)
        sizes = zip(columns["height"].tolist(), columns["width"].tolist(), strict=True)
        for key, path, (height, width) in zip(columns["image_id"], paths, sizes, strict=True):
            numbers[key] = len(numbers) + 1
            size = {"height": height, "width": width, "license": 1}
            document.item({"id": numbers[key], "file_name": path, **size, "image_id": key})
    document.end()
    job.counted(split, "images", len(numbers))
    return numbers


def _write_people(document: _Document, job: Job, split: str, numbers: Mapping[str, int]) -> None:
    """The list of people."""
    count = 0
    document.begin("annotations")
    for table in job.selection.people(split):
        columns = from_arrow(table)
        for person in annotated(columns, job.bodies, job.root):
            count += 1
            image = numbers[person.pop("image")]
            document.item({"id": count, "image_id": image, "category_id": 1, **person})
        job.tally.columns(table, KEPT, {})
        count_changes(job.tally, columns, job.bodies)
        job.counted(split, "instances", table.num_rows)
    document.end()


class _Document:
    """A JSON object on its way to disk; its lists are written item by item."""

    def __init__(self, path: Path) -> None:
        self._stream: IO[str] = path.open("w", encoding="utf-8")
        self._separator = "{"

    def __enter__(self) -> _Document:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.write("}\n")
        self._stream.close()

    def add(self, key: str, value: Any) -> None:
        self._stream.write(f"{self._separator}\n{json.dumps(key)}: {_text(value)}")
        self._separator = ","

    def begin(self, key: str) -> None:
        self._stream.write(f"{self._separator}\n{json.dumps(key)}: [")
        self._separator = ""

    def item(self, value: Any) -> None:
        self._stream.write(f"{self._separator}\n{_text(value)}")
        self._separator = ","

    def end(self) -> None:
        self._stream.write("]")
        self._separator = ","


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
