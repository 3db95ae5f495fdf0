"""`export`: one folder in a format of others; it appears whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ehpsbench
from ehpsbench.atomic import file_digest, sync, write_text
from ehpsbench.curation.export.job import Job
from ehpsbench.curation.export.losses import Loss, Tally, in_words
from ehpsbench.curation.export.pictures import check_embedding
from ehpsbench.curation.export.selection import Selection
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.errors import InputError, StoreError

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["FORMATS", "ExportReport", "export"]

FORMATS = {  # name → module of this room, with `export(job)`
    "humandata": "humandata",
    "hf": "hub",
    "coco": "coco",
}
ACCOUNT, LOSSES = "export.json", "NOT-IN-THIS-EXPORT.md"

Writer = Callable[[Job], None]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written.

    Attributes:
        folder: where.
        counts: people and images, by split.
        losses: what the format does not hold.
    """

    folder: Path
    counts: dict[str, dict[str, int]]
    losses: tuple[Loss, ...]


def export(
    selection: Selection,
    format: str,
    out: Path,
    *,
    embed_images: bool = False,
    body_models: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ExportReport:
    """Write the chosen rows to a new folder.

    Args:
        selection: the rows.
        format: one of `FORMATS`.
        out: folder to make; it must not exist, or be empty.
        embed_images: put the pictures into the export; else it names the release's files.
        body_models: folder of licensed body models, for rows that were read with such.
        progress: called with people done and in all.

    Raises:
        UnknownName: there is no such dataset, split or format.
        InputError: nobody is chosen, `out` holds something, or the licence forbids the pictures.
        MissingBody: the format needs body models that are not at hand.
        StoreError: the disk refuses; nothing is left behind.
    """
    out = out.resolve()
    manifest = selection.store.manifest(selection.dataset)
    total = _check(selection, format, out)
    check_embedding(manifest, embed_images)
    unfinished = out.with_name(f".{out.name}.unfinished")
    job = Job(
        selection=selection,
        card=catalogue.card(manifest["source_dataset"]),
        manifest=manifest,
        bodies=_bodies(selection, body_models),
        folder=unfinished / "export",
        scratch=unfinished / "scratch",
        embed=embed_images,
        tally=Tally(),
        counts={},
        progress=lambda done: progress(done, total),
    )
    _fill(job, format, out, unfinished)
    return ExportReport(out, job.counts, job.tally.losses())


def _check(selection: Selection, format: str, out: Path) -> int:
    """How many people go out.

    Raises:
        InputError: nobody, or a word or folder that cannot be used.
    """
    if format not in FORMATS:
        raise InputError(f"--format must be one of {', '.join(FORMATS)}; got {format!r}.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not an empty folder; give --out a new one.")
    total = sum(selection.count(split) for split in selection.splits())
    if not total:
        raise InputError(f"Nobody of {selection.dataset} meets the conditions; nothing to export.")
    return total


def _fill(job: Job, format: str, out: Path, unfinished: Path) -> None:
    """Write the files beside `out` and move them there; nothing is left of what fails."""
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        job.folder.mkdir(parents=True)
        job.scratch.mkdir()
        _writer(format)(job)
        _write_account(job, format)
        _move(job.folder, out)
    except OSError as error:
        raise StoreError(
            f"The export cannot be written to {out}: {error}. Nothing is left of it; make room, or "
            "give --out a folder that can be made."
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _writer(format: str) -> Writer:
    module = import_module(f"ehpsbench.curation.export.{FORMATS[format]}")
    writer: Writer = module.export
    return writer


def _bodies(selection: Selection, body_models: Path | None) -> BodySet | None:
    """The body set of the rows; None where they were read without one.

    Raises:
        MissingBody, BodyMismatch: they were read with one that is not at hand.
    """
    from ehpsbench.label_bodies import bodies_of_rows

    if selection.store.manifest(selection.dataset)["body_set"] is None:
        return None
    return bodies_of_rows(selection.store, [selection.dataset], body_models)


def _write_account(job: Job, format: str) -> None:
    """What the files are, what they are of, and what they lack; beside them."""
    losses = job.tally.losses()
    files = sorted(path for path in job.folder.rglob("*") if path.is_file())
    account: dict[str, Any] = {
        "format": format,
        "ehpsbench_version": ehpsbench.__version__,
        "dataset": job.dataset,
        "split": job.selection.split,
        "where": job.selection.where,
        "embed_images": job.embed,
        "licence": job.card.licence.name,
        "schema_version": job.manifest["schema_version"],
        "fingerprint": job.manifest["fingerprint"],
        "body_set": job.manifest["body_set"],
        "counts": job.counts,
        "losses": [asdict(loss) for loss in losses],
        "files": {
            path.relative_to(job.folder).as_posix(): file_digest(path)
            for path in files
            if path.suffix in (".npz", ".parquet", ".json", ".md")
        },
    }
    text = json.dumps(account, indent=1, ensure_ascii=False, sort_keys=True)
    write_text(job.folder / ACCOUNT, text + "\n")
    lines = in_words(losses) or ["Nothing: every value of the store is in it."]
    title = f"# What this {format} export of {job.card.title} does not hold\n\n"
    write_text(job.folder / LOSSES, title + "\n".join(f"- {line}" for line in lines) + "\n")


def _move(folder: Path, out: Path) -> None:
    """The finished folder to its place, once its files are on the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            sync(path)
    if out.exists():
        out.rmdir()
    folder.rename(out)
    sync(out.parent)
