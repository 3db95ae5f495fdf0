"""From a release on disk to rows in the store: unit by unit, resumable, all or nothing.

Every unit is staged under `<store>/.staging/<dataset>/<job>/`, where the job is a hash of all that
the rows depend on. When all are staged they are merged in a fixed order into new parts, which take
the place of the old ones in one move; the manifest is written last.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ehpsbench
from ehpsbench.atomic import digest, file_digest
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.card import Card, ExpectedFile
from ehpsbench.dataset_adapters.release import Release, Unit, expected_files, open_release
from ehpsbench.errors import BodyMismatch, InputError, MissingBody, MissingFiles, StoreError
from ehpsbench.merge import Merged, merge
from ehpsbench.schema import SCHEMA_VERSION
from ehpsbench.staging import StagedUnit, stage
from ehpsbench.store import Store

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

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
    """

    dataset: str
    instances: dict[str, int]
    images: dict[str, int]
    rejects: dict[str, int]
    units: int
    resumed: int


def ingest(
    name: str,
    root: Path,
    store: Store,
    *,
    alias: str | None = None,
    layout: str = "owners",
    limit: int | None = None,
    workers: int = 1,
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
        body_models: folder of licensed body models; default EHPSBENCH_BODY_MODELS.
        progress: called after every unit.

    Raises:
        MissingFiles, MissingBody, InputError, StoreError: as their messages say; the store is as
            it was, and staged units wait for the next try.
    """
    _positive("limit", limit)
    _positive("workers", workers)
    card = catalogue.card(name)
    release = open_release(root, card, name=alias, layout=layout)
    bodies = bodies_for(release, body_models)
    units = _units(release)
    with _writing(store, release.name):
        job = _job(release, bodies, units, limit)
        folder = store.root / ".staging" / release.name
        staging = folder / digest(job)[:24]
        for other in set(folder.glob("*")) - {staging}:
            shutil.rmtree(other)
        staging.mkdir(parents=True, exist_ok=True)
        resumed = sum(StagedUnit.of(staging, u).done.is_file() for u in units)
        used = _stage_all(units, bodies, staging, limit, workers, progress)
        merged = merge(store, release.name, staging, used, limit=limit, manifest=job)
        shutil.rmtree(folder)
    return _report(release.name, merged, len(units), min(resumed, len(used)))


def check(name: str, root: Path, *, layout: str = "owners") -> list[dict[str, str]]:
    """Which of a release's expected files are there; nothing is read.

    Returns:
        For each pattern of the card: `pattern`, `what`, and `state`: found, missing or optional
        (not there, not needed).
    """
    card = catalogue.card(name)
    try:
        root = open_release(root, card, layout=layout).root
    except MissingFiles:
        if not root.is_dir():
            raise
    return [
        {"pattern": f.pattern, "what": f.what, "state": _file_state(root, f)}
        for f in expected_files(card, layout)
    ]


def _file_state(root: Path, file: ExpectedFile) -> str:
    if next(iter(root.glob(file.pattern)), None) is not None:
        return "found"
    return "missing" if file.required else "optional"


def bodies_for(release: Release, body_models: Path | None) -> BodySet | None:
    """The body set that a release's labels belong to; None where it needs none and none is here.

    Raises:
        MissingBody: the camera chain needs a model that is not at hand; lists the files.
        BodyMismatch: a miniature release was made with another open body.
    """
    from ehpsbench.body.bodies import find_bodies, open_bodies

    sample = release.sample()
    if sample is not None:
        bodies = open_bodies("small" if sample["body"] == "open-small" else "full")
        if bodies.id != sample["body_set"]:
            raise BodyMismatch(
                f"{release.root} was made with open body {sample['body_set'][:12]}, this ehpsbench "
                f"ships {bodies.id[:12]}. Make the sample again."
            )
        return bodies
    licensed = find_bodies(body_models)
    needs = release.card.body.needs
    if licensed is None:
        if not needs:
            return None
        wanted = "\n".join(f"  {role}" for role in needs)
        raise MissingBody(
            f"{release.card.title} needs licensed body models to bring its people into the camera "
            f"frame:\n{wanted}\nGive their folder with --body-models or EHPSBENCH_BODY_MODELS "
            "(smplx/SMPLX_NEUTRAL.npz, smpl/SMPL_MALE.pkl, mano/MANO_RIGHT.pkl, …). The open body "
            "cannot stand in: betas do not carry over between bodies."
        )
    for role in needs:
        family, gender = role.split("/")
        licensed.model(family, gender)
    return licensed


def bodies_of_rows(store: Store, datasets: Sequence[str], body_models: Path | None) -> BodySet:
    """The body set that the stored rows of some datasets belong to.

    Args:
        store: with the datasets.
        datasets: names in it.
        body_models: folder of licensed body models, for rows that were read with such.

    Raises:
        BodyMismatch: the datasets were read with different body sets, or the one at hand differs.
        MissingBody: the rows were read with models that are not at hand, or with none.
    """
    from ehpsbench.body.bodies import find_bodies, open_bodies

    named = {name: store.manifest(name)["body_set"] for name in datasets}
    sets = {found["id"]: found["name"] for found in named.values() if found}
    if len(sets) > 1:
        words = ", ".join(f"{n}: {b['name']} ({b['id'][:12]})" for n, b in named.items() if b)
        raise BodyMismatch(f"These datasets were read with different body sets: {words}.")
    for wanted, label in sets.items():
        shipped = {"open": "full", "open-small": "small"}
        size = shipped.get(label)
        bodies = open_bodies(size) if size else find_bodies(body_models)
        if bodies is None:
            raise MissingBody(
                f"The rows of {', '.join(named)} belong to the body set {label} ({wanted[:12]}); "
                "give its folder with --body-models or EHPSBENCH_BODY_MODELS."
            )
        if bodies.id != wanted:
            raise BodyMismatch(
                f"The rows of {', '.join(named)} belong to the body set {label} ({wanted[:12]}), "
                f"the one at hand is {bodies.name} ({bodies.id[:12]}). Use that, or ingest again."
            )
        return bodies
    raise MissingBody(
        f"{', '.join(named)} was read without body models; ingest it again with --body-models."
    )


def _positive(flag: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise InputError(f"--{flag} must be at least 1, got {value}.")


def _units(release: Release) -> list[Unit]:
    units = list(catalogue.adapter(release.card.name, release.layout).units(release))
    if not units:
        raise InputError(f"{release.root} holds no annotations of {release.card.title}.")
    names = [unit.name for unit in units]
    if len(set(names)) < len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        raise InputError(f"{release.card.title}: units with one name: {twice}.")
    return units


def _job(
    release: Release, bodies: BodySet | None, units: Sequence[Unit], limit: int | None
) -> dict[str, Any]:
    """All that the stored rows depend on; it becomes the head of the manifest."""
    card: Card = release.card
    files = sorted({path for unit in units for path in unit.files})
    try:
        sources = [
            {"path": release.relative(p), "size": p.stat().st_size, "sha256": file_digest(p)}
            for p in files
        ]
    except OSError as error:
        raise InputError(f"A file of {card.title} cannot be read: {error}.") from error
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
    workers: int,
    progress: Progress | None,
) -> list[StagedUnit]:
    """Stage what is not staged yet; returns the units to merge, in order."""
    people = done = 0
    used: list[StagedUnit] = []
    with _no_space_is_clear(staging):
        for staged in _staged(units, bodies, staging, workers):
            used.append(staged)
            people += staged.counts()["instances"]
            done += 1
            if progress is not None:
                progress(done, len(units), people)
            if limit is not None and people >= limit:
                break
    return used


def _staged(
    units: Sequence[Unit], bodies: BodySet | None, staging: Path, workers: int
) -> Iterator[StagedUnit]:
    """The units in order, each as soon as it and all before it are staged."""
    places = [StagedUnit.of(staging, unit) for unit in units]
    waiting = [i for i, place in enumerate(places) if not place.done.is_file()]
    if workers == 1 or len(waiting) < 2:
        for unit, place in zip(units, places, strict=True):
            if not place.done.is_file():
                stage(unit, bodies, place)
            yield place
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(
        min(workers, len(waiting)), context, initializer=_start_worker, initargs=(bodies,)
    ) as pool:
        pending: dict[Future[None], int] = {}
        queue = iter(waiting)
        try:
            for place in places:
                while not place.done.is_file():
                    for i in queue:
                        pending[pool.submit(_stage_in_worker, units[i], places[i])] = i
                        if len(pending) >= 2 * workers:
                            break
                    finished, _ = wait(pending, return_when=FIRST_COMPLETED)
                    for future in finished:
                        del pending[future]
                        future.result()
                yield place
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_worker_bodies: BodySet | None = None  # of a worker process, set once when it starts


def _start_worker(bodies: BodySet | None) -> None:
    """Give a worker its bodies once, and one thread, as there are several workers."""
    import torch

    global _worker_bodies
    _worker_bodies = bodies
    torch.set_num_threads(1)


def _stage_in_worker(unit: Unit, place: StagedUnit) -> None:
    stage(unit, _worker_bodies, place)


@contextmanager
def _writing(store: Store, dataset: str) -> Iterator[None]:
    """One ingest of a dataset at a time; a dead process holds nothing."""
    folder = store.root / ".staging"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / f"{dataset}.lock").open("w")
    except OSError as error:
        raise StoreError(f"The store {store.root} cannot be written: {error}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"Another ingest of {dataset} into {store.root} is running; wait for it to end."
            ) from error
        yield


@contextmanager
def _no_space_is_clear(staging: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        free = shutil.disk_usage(staging).free / 2**20
        raise StoreError(
            f"Writing below {staging} failed: {error} ({free:.0f} MiB free). The store is as it "
            "was; make room and run the same command again, it goes on where it stopped."
        ) from error


def _report(dataset: str, merged: Merged, units: int, resumed: int) -> IngestReport:
    return IngestReport(
        dataset=dataset,
        instances=merged.instances,
        images=merged.images,
        rejects=merged.rejects,
        units=units,
        resumed=resumed,
    )
