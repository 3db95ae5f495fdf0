"""Puts an entry on the boards: evaluate, check, record; all of it, or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ehpsbench.definitions import faults
from ehpsbench.errors import BodyMismatch, InputError, UnknownName
from ehpsbench.evaluation.predictions import file_name
from ehpsbench.evaluation.request import Progress
from ehpsbench.evaluation.results import Result, has_result, read_result, read_summary, rows_path
from ehpsbench.leaderboards.checking.folder import check_folder
from ehpsbench.leaderboards.entry import (
    Cost,
    Entry,
    entry_of,
    entry_path,
    inherited,
    write_entry,
)
from ehpsbench.leaderboards.scoring import score
from ehpsbench.store import POINTS_SUFFIX, Store
from ehpsbench.training import cells

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SHARED = ("instances", "images", "rejects", "runs")


@dataclass(frozen=True, slots=True)
class Facts:
    """What somebody says of a model; None or empty is not said.

    Attributes:
        title: in words.
        datasets: what trained it, by the names of their cards.
        other_data: what else trained it and has no card.
        parameters: weights of the network.
        seeds: of its training.
        samples: seen in training.
        device_seconds: that training took.
        device: that it trained on.
        url: of code or weights.
        paper: that describes it.
        note: what else to know.
    """

    title: str | None = None
    datasets: tuple[str, ...] = ()
    other_data: tuple[str, ...] = ()
    parameters: int | None = None
    seeds: tuple[int, ...] = ()
    samples: int | None = None
    device_seconds: float | None = None
    device: str | None = None
    url: str | None = None
    paper: str | None = None
    note: str | None = None

    @property
    def said(self) -> dict[str, Any]:
        """The facts that are said; sets of names in one order."""
        values = {name: getattr(self, name) for name in self.__slots__}
        found = {name: value for name, value in values.items() if value not in (None, ())}
        for name in {"datasets", "other_data", "seeds"} & found.keys():
            found[name] = tuple(sorted(set(found[name])))
        return found


@dataclass(frozen=True, slots=True)
class Added:
    """What was recorded: the facts, and each benchmark's result."""

    entry: Entry
    results: Mapping[str, Result]


def add(
    store: Store,
    name: str,
    predictions: Mapping[str, Path | None],
    bodies: BodySet,
    facts: Facts = Facts(),
    *,
    replace: bool = False,
    device: str | None = None,
    progress: Progress | None = None,
) -> Added:
    """Score an entry and record its facts and results.

    Args:
        store: with the benchmarks' data.
        name: of the entry; a cell of the store is asked for its own predictions and facts.
        predictions: benchmark → file or folder; None: those in the store, or a cell's own.
        bodies: the body set of labels and predictions.
        facts: of a model. Those of an earlier add hold where nothing is said.
        replace: take facts and results that differ from the recorded ones.
        device: see `ehpsbench.leaderboards.scoring.score`.
        progress: told how much of a benchmark is done.

    Raises:
        InputError: a fact is missing, wrong or differs from the recorded one; predictions cannot be
            scored, or the result does not pass the check of a folder. Nothing is recorded then.
        BodyMismatch: earlier results of the entry are of another body set.
    """
    file_name(name)
    entry = _entry(store, name, facts, replace=replace)
    _one_body_set(store, name, predictions, bodies)
    with _staged(store, name, predictions) as stage:
        results = {
            benchmark: score(
                stage, name, benchmark, bodies, predictions=path, device=device, progress=progress
            )
            for benchmark, path in predictions.items()
        }
        if not replace:
            _refuse_other_results(store, name, results)
        entry = _with_body(entry, results)
        write_entry(stage.results, entry)
        if found := check_folder(stage.results):
            raise InputError(
                f"{name} does not pass the check of a folder of results: "
                f"{'; '.join(map(str, found))}."
            )
        for benchmark in results:
            _record(stage, store, name, benchmark)
        write_entry(store.results, entry)
    return Added(entry, {b: read_result(store, name, b) for b in results})


def _with_body(entry: Entry, results: Mapping[str, Result]) -> Entry:
    """The entry with the body set of its results, where they compare bodies."""
    sets = {r.summary["body_set"] for r in results.values()} - {None}
    return entry.model_copy(update={"body_set": sets.pop()}) if sets else entry


def predictions_in(folder: Path, benchmarks: Sequence[str]) -> dict[str, Path]:
    """Benchmark → its predictions in a folder: `<benchmark>.<suffix>`, or a folder of that name.

    Raises:
        InputError: a benchmark has none, or several.
    """
    found = {b: _named(folder, b) for b in benchmarks}
    for benchmark, paths in found.items():
        if len(paths) != 1:
            names = ", ".join(p.name for p in paths) or "none"
            raise InputError(
                f"{folder} must hold the predictions on {benchmark} once, as {benchmark}.parquet, "
                f"another format's suffix, or a folder {benchmark}/; it has {names}."
            )
    return {benchmark: path for benchmark, [path] in found.items()}


def _named(folder: Path, benchmark: str) -> list[Path]:
    return [
        p
        for p in sorted(folder.iterdir())
        if (p.name == benchmark if p.is_dir() else p.stem == benchmark)
        and not p.name.startswith(".")
    ]


def _entry(store: Store, name: str, facts: Facts, *, replace: bool) -> Entry:
    """The facts to record: a cell's own, or what is said on top of what was recorded."""
    found = entry_of(store, name)
    if found is not None and found.kind == "cell":
        if facts.said:
            raise InputError(
                f"{name} is a cell of this store: its facts are in its own record. Leave out "
                f"{', '.join(facts.said)}."
            )
        return found
    known = {} if found is None else _flat(found)
    said = facts.said
    differing = {k: (known[k], said[k]) for k in known.keys() & said.keys() if known[k] != said[k]}
    if differing and not replace:
        words = "; ".join(f"{k} is {was}, now {now}" for k, (was, now) in sorted(differing.items()))
        raise InputError(
            f"{name} is recorded with other facts: {words}. Give the recorded ones, or --replace."
        )
    return _made(name, known | said)


def _made(name: str, said: Mapping[str, Any]) -> Entry:
    datasets, other = said.get("datasets", ()), said.get("other_data", ())
    if not datasets and not other:
        raise InputError(
            f"What trained {name}? Give --trained-on DATASET for each dataset with a card, and "
            "--other-data NAME for what has none."
        )
    cost = {k: said[k] for k in Cost.model_fields if k in said}
    rest = {k: v for k, v in said.items() if k not in cost and k != "title"}
    try:
        return Entry(
            name=name,
            title=said.get("title", name),
            kind="model",
            licence=inherited(datasets, other),
            cost=Cost(**cost),
            **{"datasets": (), **rest},
        )
    except UnknownName as error:
        raise UnknownName(f"{error} Data without a card are --other-data.") from None
    except ValidationError as error:
        raise InputError(f"{name} cannot be entered so: {faults(error)}.") from None


def _flat(entry: Entry) -> dict[str, Any]:
    """The recorded facts by the names of `Facts`; those that are empty are left out."""
    values = {**entry.model_dump(), **entry.cost.model_dump()}
    known = (*Facts.__slots__, "body_set")
    found = {k: values[k] for k in known if values.get(k) not in (None, (), "")}
    return {k: v for k, v in found.items() if (k, v) != ("title", entry.name)}


def _one_body_set(
    store: Store, name: str, predictions: Mapping[str, Path | None], bodies: BodySet
) -> None:
    folder = store.results / name
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        benchmark = path.stem
        if path == entry_path(store.results, name) or benchmark in predictions:
            continue
        found = read_summary(store, name, benchmark)["body_set"]
        if found not in (None, bodies.id):
            raise BodyMismatch(
                f"{name} on {benchmark} was scored with the body set {found}, now it is "
                f"{bodies.id}. Numbers of two body sets do not meet; add all with one."
            )


def _refuse_other_results(store: Store, name: str, results: Mapping[str, Result]) -> None:
    for benchmark, result in results.items():
        if not has_result(store, name, benchmark):
            continue
        was = read_result(store, name, benchmark)
        same = was.rows.equals(result.rows)
        if not same and was.summary["protocol_hash"] == result.summary["protocol_hash"]:
            raise InputError(
                f"{name} has {_words(was)} on {benchmark}, these predictions give "
                f"{_words(result)}, or other rows. Give the entry another name, or --replace."
            )


def _words(result: Result) -> str:
    value = result.number()
    known = "nothing" if math.isnan(value) else f"{value:.4g} {result.summary['unit']}"
    return f"{result.summary['primary']} {known}"


@contextmanager
def _staged(store: Store, name: str, predictions: Mapping[str, Path | None]) -> Iterator[Store]:
    """A store beside the entry's, with the same data and with results of its own."""
    store.root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".adding-", dir=store.root) as folder:
        stage = Store(Path(folder))
        for shared in SHARED:
            if (store.root / shared).is_dir():
                (stage.root / shared).symlink_to((store.root / shared).resolve())
        own = store.predictions / name
        if own.is_dir() and not cells.trained(store, name):
            for benchmark in (b for b, path in predictions.items() if path is None):
                for path in _named(own, benchmark):
                    place = stage.predictions / name / path.name
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.symlink_to(path.resolve())
        yield stage


def _record(stage: Store, store: Store, name: str, benchmark: str) -> None:
    """Move a result to its place: the summary last, since with it the result exists."""
    made = rows_path(stage, name, benchmark)
    place = rows_path(store, name, benchmark)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_suffix(".json").unlink(missing_ok=True)
    said = stage.predictions / name / f"{benchmark}.parquet"
    if said.is_file() and not said.is_symlink():
        target = store.predictions / name / said.name
        target.parent.mkdir(parents=True, exist_ok=True)
        said.replace(target)
    points = made.with_name(made.stem + POINTS_SUFFIX)
    place.with_name(points.name).unlink(missing_ok=True)
    if points.is_file():
        points.replace(place.with_name(points.name))
    made.replace(place)
    made.with_suffix(".json").replace(place.with_suffix(".json"))
