"""From a release on disk to rows in the store: unit by unit, resumable, all or nothing.

Every unit is staged under `<store>/.staging/<dataset>/<job>/`, where the job is a hash of all that
the rows depend on. When all are staged they are merged in a fixed order into new parts, which take
the place of the old ones in one move; the manifest is written last.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ehpsbench
from ehpsbench.atomic import digest, file_digest
from ehpsbench.checks import BODY_RULES
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.card import Card
from ehpsbench.dataset_adapters.release import (
    Release,
    Unit,
    open_release,
)
from ehpsbench.errors import EhpsbenchError, InputError
from ehpsbench.executors.look_up import results, run
from ehpsbench.executors.settings import Settings
from ehpsbench.label_bodies import bodies_for
from ehpsbench.merge import Merged, merge
from ehpsbench.processes import completed
from ehpsbench.schema import SCHEMA_VERSION
from ehpsbench.staging import StagedUnit, failures_are_clear, stage, staging_folder
from ehpsbench.store import Store

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

Progress = Callable[[int, int, int], None]
"""Called with units done, units in all, and people so far."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did.

    Attributes:
        dataset: name in the store.
        instances: people stored, by split.
        images: images stored, by split.
        rejects: people refused, by rule.
        units: how many units the release has; `resumed` of them were staged by an earlier try.
        resumed: units that did not have to be read again.
        notes: what else the user should know, a sentence each.
    """

    dataset: str
    instances: dict[str, int]
    images: dict[str, int]
    rejects: dict[str, int]
    units: int
    resumed: int
    notes: tuple[str, ...]


def ingest(
    name: str,
    root: Path,
    store: Store,
    *,
    alias: str | None = None,
    layout: str = "owners",
    limit: int | None = None,
    workers: int = 1,
    executor: Settings | None = None,
    body_models: Path | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Read a release into the store; an interrupted call goes on where it was.

    Args:
        name: the dataset, which chooses card and adapter.
        root: the unpacked release, or a folder that holds exactly one.
        store: where to.
        alias: another name for the rows in the store, e.g. for two releases of one dataset.
        layout: "owners", or "humandata" for a HumanData npz of the dataset.
        limit: stop after this many people (the manifest says so).
        workers: processes that read units side by side; the result does not depend on it.
        executor: a cluster that reads them instead; its machines must see release and store.
        body_models: folder of licensed body models; default EHPSBENCH_BODY_MODELS.
        progress: called after every unit.

    Raises:
        MissingFiles, MissingBody, InputError, StoreError: as their messages say; the store is as
            it was, and staged units wait for the next try.
    """
    _positive("limit", limit)
    _positive("workers", workers)
    card = catalogue.card(name)
    _check_alias(alias, card, store)
    release = open_release(root, card, name=alias, layout=layout)
    units = _units(release)
    bodies = bodies_for(release, body_models, units)
    with staging_folder(store.root, release.name) as folder, failures_are_clear(folder):
        job = _job(release, bodies, units, limit)
        notes = _notes(store, job)
        staging = folder / digest(job)[:24]
        for other in set(folder.glob("*")) - {staging}:
            shutil.rmtree(other)
        staging.mkdir(parents=True, exist_ok=True)
        resumed = sum(StagedUnit.of(staging, u).is_done() for u in units)
        where = executor or Settings(workers=workers)
        used = _stage_all(units, bodies, staging, limit, where, progress)
        merged = merge(store, release.name, staging, used, limit=limit, manifest=job)
        shutil.rmtree(folder)
    return _report(release.name, merged, len(units), min(resumed, len(used)), notes)


def _check_alias(alias: str | None, card: Card, store: Store) -> None:
    """An alias is a plain name that means no other dataset.

    Raises:
        InputError: says which name is taken, and by what.
    """
    if alias is None:
        return
    if not PLAIN_NAME.fullmatch(alias):
        raise InputError(
            f"--as {alias!r} cannot name a dataset; use letters, digits, - and _, not at the start."
        )
    if alias != card.name and alias in catalogue.names():
        raise InputError(f"--as {alias}: that is the name of another dataset; choose a new one.")
    if alias in store.datasets():
        held = store.manifest(alias)["source_dataset"]
        if held != card.name:
            raise InputError(
                f"--as {alias}: the store holds {held} under that name; choose another."
            )


def _notes(store: Store, job: dict[str, Any]) -> tuple[str, ...]:
    """What the user should know of this ingest beside the counts."""
    notes = []
    if job["checks_skipped"]:
        notes.append(
            f"Checks skipped for want of body models: {', '.join(job['checks_skipped'])}. Give "
            "--body-models to have them."
        )
    name = job["dataset"]
    if job["limit"] is not None and name in store.datasets() and not store.manifest(name)["limit"]:
        notes.append(f"The store held all of {name}; now it holds the first {job['limit']} people.")
    return tuple(notes)


def _positive(flag: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise InputError(f"--{flag} must be at least 1, got {value}.")


def _units(release: Release) -> list[Unit]:
    try:
        units = list(catalogue.adapter(release.card.name, release.layout).units(release))
    except EhpsbenchError:
        raise
    except Exception as error:  # a stranger's files can fail an adapter in any way
        raise InputError(
            f"The {release.card.title} release in {release.root} cannot be listed: "
            f"{type(error).__name__}: {error}. Is the download complete?"
        ) from error
    if not units:
        raise InputError(f"{release.root} holds no annotations of {release.card.title}.")
    names = [unit.name for unit in units]
    if len(set(names)) < len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        raise InputError(f"{release.card.title}: units with one name: {twice}.")
    return units


def annotation_files(release: Release, units: Sequence[Unit]) -> list[dict[str, Any]]:
    """Path, size and hash of every annotation file: what the fingerprint of a manifest is of.

    Raises:
        InputError: one cannot be read.
    """
    files = sorted({path for unit in units for path in unit.files}, key=lambda path: path.parts)
    try:
        return [
            {"path": release.relative(p), "size": p.stat().st_size, "sha256": file_digest(p)}
            for p in files
        ]
    except OSError as error:
        raise InputError(f"A file of {release.card.title} cannot be read: {error}.") from error


def _job(
    release: Release, bodies: BodySet | None, units: Sequence[Unit], limit: int | None
) -> dict[str, Any]:
    """All that the stored rows depend on; it becomes the head of the manifest."""
    card: Card = release.card
    sources = annotation_files(release, units)
    return {
        "schema_version": SCHEMA_VERSION,
        "ehpsbench_version": ehpsbench.__version__,
        "adapter_version": card.adapter_version,
        "dataset": release.name,
        "source_dataset": card.name,
        "layout": release.layout,
        "labels": card.labels,
        "miniature": release.sample() is not None,
        "redistribute": card.licence.redistribute or release.sample() is not None,
        "release_root": str(release.root),
        "limit": limit,
        "checks_skipped": list(BODY_RULES) if bodies is None and card.pictured else [],
        "pictured": card.pictured,
        "body_set": None if bodies is None else {"id": bodies.id, "name": bodies.name},
        "annotation_files": len(sources),
        "annotation_bytes": sum(s["size"] for s in sources),
        "fingerprint": digest(sources),
    }


def _stage_all(
    units: Sequence[Unit],
    bodies: BodySet | None,
    staging: Path,
    limit: int | None,
    where: Settings,
    progress: Progress | None,
) -> list[StagedUnit]:
    """Stage what is not staged yet; returns the units to merge, in order."""
    places = [StagedUnit.of(staging, unit) for unit in units]
    waiting = [pair for pair in zip(units, places, strict=True) if not pair[1].is_done()]
    if where.executor == "local":
        ended = completed(_stage, bodies, waiting, min(where.workers or 1, max(len(waiting), 1)))
    else:
        ended = results(run(_stage, bodies, waiting, where, logs=staging / "jobs"))
    people = 0
    used: list[StagedUnit] = []
    with closing(ended):
        for place in places:
            while not place.is_done():
                next(ended)
            used.append(place)
            people += place.counts()["instances"]
            if progress is not None:
                progress(len(used), len(units), people)
            if limit is not None and people >= limit:
                break
    return used


def _stage(bodies: BodySet | None, waiting: tuple[Unit, StagedUnit]) -> None:
    unit, place = waiting
    stage(unit, bodies, place)


def _report(
    dataset: str, merged: Merged, units: int, resumed: int, notes: tuple[str, ...]
) -> IngestReport:
    return IngestReport(
        dataset=dataset,
        instances=merged.instances,
        images=merged.images,
        rejects=merged.rejects,
        units=units,
        resumed=resumed,
        notes=notes,
    )
