"""What the people of a dataset are like: distributions and a few poses, kept by content."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import digest, replacing
from ehpsbench.errors import EhpsbenchError
from ehpsbench.reports.kept import FOLDER
from ehpsbench.reports.measures import BINS, MEASURES, NEEDED, Measure, measured, statures
from ehpsbench.schema import Columns, from_arrow, present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

VERSION = 4
POSES, SHAPES, SAMPLES = 512, 64, 3  # people of whom poses and shapes are looked at; shown
ROWS = 1 << 14
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
FLAGS = ("owner", "body", "left_hand", "right_hand", "face", "shape", "camera")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Summary:
    """The people of some splits of a dataset.

    Attributes:
        people: how many.
        quantiles: measure → (5,) values at `QUANTILES`; only measures that somebody has.
        known: measure → how many people it is known of.
        histograms: measure → (bins,) shares that add up to 1.
        flags: validity flag → people who have it, who lack it, of whom it is not known.
        genders: of subjects, else of bodies → people.
        poses: (n, 63) axis-angle [rad] of at most 512 of them, evenly spread over the rows.
        samples: instance ids of those who are shown.
    """

    people: int
    quantiles: Mapping[str, Floats]
    known: Mapping[str, int]
    histograms: Mapping[str, Floats]
    flags: Mapping[str, tuple[int, int, int]]
    genders: Mapping[str, int]
    poses: Floats
    samples: tuple[str, ...]


def summary(store: Store, dataset: str, splits: Sequence[str], bodies: BodySet) -> Summary:
    """The summary of a dataset, from the store's reports/summaries/ where it was made before.

    Args:
        store: with the dataset.
        dataset: in the store.
        splits: those that count.
        bodies: the body set of its labels, for the shape of the people.
    """
    manifest = store.manifest(dataset)
    key = digest([VERSION, manifest["fingerprint"], list(splits), bodies.id])
    path = store.reports / FOLDER / f"{key[:24]}.npz"
    kept = _read(path)
    if kept is not None:
        return kept
    made = _made(store, dataset, splits, bodies)
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **_arrays(made))
    except OSError:  # a store that is only read is still shown
        return made
    return made


def _made(store: Store, dataset: str, splits: Sequence[str], bodies: BodySet) -> Summary:
    accounts = store.manifest(dataset)["splits"]
    count = sum(int(accounts[split]["instances"]) for split in splits)
    step = {n: -(-count // most) or 1 for n, most in (("poses", POSES), ("shapes", SHAPES))}
    found = _Found({m.name: [] for m in MEASURES}, [], [], {f: np.zeros(3, int) for f in FLAGS})
    done = 0
    for columns, rows in _batches(store, dataset, splits):
        for name, values in measured(columns, rows):
            found.values[name].append(values)
        _count(found, columns, rows)
        place = np.arange(done, done + rows)
        found.people.append(_chosen(columns, place % step["poses"] == 0))
        shaped = _rows(columns, place % step["shapes"] == 0)
        try:
            tall, litres = statures(shaped, bodies)
        except EhpsbenchError:  # a model that is not here: the shape is not known
            tall = litres = np.zeros(0, np.float32)
        found.values["stature"].append(tall)
        found.values["volume"].append(litres)
        done += rows
    return _summed(found, done)


@dataclass(slots=True)
class _Found:
    """What the batches gave so far."""

    values: dict[str, list[NDArray[np.float32]]]
    people: list[tuple[Floats, list[str]]]
    genders: list[NDArray[Any]]
    flags: dict[str, NDArray[np.int64]]


def _batches(
    store: Store, dataset: str, splits: Sequence[str]
) -> Iterator[tuple[dict[str, NDArray[Any]], int]]:
    flags = [f"{flag}_valid" for flag in FLAGS]
    names = [*dict.fromkeys((*NEEDED, *flags, "subject_gender", "gender", "instance_id"))]
    for split in splits:
        for batch in store.batches("instances", dataset, split, names, ROWS):
            yield from_arrow(batch), batch.num_rows


def _rows(columns: Columns, where: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {name: values[where] for name, values in columns.items()}


def _count(found: _Found, columns: Columns, rows: int) -> None:
    """Flags and genders of a batch."""
    for flag in FLAGS:
        name = f"{flag}_valid"
        here = present(columns[name]) if name in columns else np.zeros(rows, bool)
        true = here & np.ma.getdata(columns[name]).astype(bool) if name in columns else here
        found.flags[flag] += [true.sum(), (here & ~true).sum(), (~here).sum()]
    for name in ("subject_gender", "gender"):
        if name in columns:
            found.genders.append(np.asarray(columns[name], object))
            return


def _chosen(columns: Columns, where: NDArray[Any]) -> tuple[Floats, list[str]]:
    """Poses, and ids with or without one, of the chosen people of a batch whose body is valid."""
    good = where.copy()
    if "body_valid" in columns:
        flag = columns["body_valid"]
        good &= ~present(flag) | np.ma.getdata(flag).astype(bool)
    ids = np.asarray(columns["instance_id"], object)[good].tolist()
    if "body_pose" not in columns:
        return np.zeros((0, 63)), ids
    posed = good & present(columns["body_pose"])
    return np.ma.getdata(columns["body_pose"])[posed], ids


def _summed(found: _Found, people: int) -> Summary:
    quantiles, known, histograms = {}, {}, {}
    for measure in MEASURES:
        parts = found.values[measure.name]
        values = np.concatenate([*parts, np.zeros(0, np.float32)]).astype(np.float64)
        values = values[np.isfinite(values)]
        known[measure.name] = len(values)
        if len(values):
            quantiles[measure.name] = np.quantile(values, QUANTILES)
            histograms[measure.name] = histogram(values, measure)
    genders = np.concatenate([*found.genders, np.array([], object)])
    names, counts = np.unique([str(g) for g in genders if g is not None], return_counts=True)
    ids = [one for _, some in found.people for one in some]
    places = [len(ids) * (2 * i + 1) // (2 * SAMPLES) for i in range(SAMPLES)]
    return Summary(
        people=people,
        quantiles=quantiles,
        known=known,
        histograms=histograms,
        flags={name: (int(y), int(n), int(u)) for name, (y, n, u) in found.flags.items()},
        genders=dict(zip(names.tolist(), counts.tolist(), strict=True)),
        poses=_as_kept(np.concatenate([*(p for p, _ in found.people), np.zeros((0, 63))])),
        samples=tuple(dict.fromkeys(ids[i] for i in places if i < len(ids))),
    )


def _as_kept(poses: Floats) -> Floats:
    """In the precision of the file, so that a page is the same with a summary made or kept."""
    return poses.astype(np.float16).astype(np.float64)


def histogram(values: Floats, measure: Measure) -> Floats:
    """Shares of the values in the bins of a measure; what lies past the ends is in the end bins."""
    edges = measure.edges
    inside = np.clip(values, edges[0], np.nextafter(edges[-1], -np.inf))
    counts = np.histogram(inside, edges)[0]
    return np.asarray(counts / max(counts.sum(), 1), np.float64)


def _arrays(made: Summary) -> dict[str, Any]:
    """A summary as few arrays, NaN for a measure that nobody has: each one costs a read."""
    nothing = np.full(len(QUANTILES), np.nan), np.full(BINS, np.nan)
    names = [measure.name for measure in MEASURES]
    return {
        "people": np.array(made.people),
        "poses": made.poses.astype(np.float16),
        "samples": np.array(made.samples, np.str_),
        "gender_names": np.array(list(made.genders), np.str_),
        "gender_counts": np.array(list(made.genders.values()), np.int64),
        "flags": np.array([made.flags[flag] for flag in FLAGS]),
        "known": np.array([made.known[name] for name in names]),
        "quantiles": np.array([made.quantiles.get(name, nothing[0]) for name in names]),
        "histograms": np.array([made.histograms.get(name, nothing[1]) for name in names]),
    }


def _read(path: Path) -> Summary | None:
    """What was kept; None where nothing was, or it is broken: it is made again."""
    try:
        # an open file, since NumPy leaves that of a broken archive open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            stored = {name: kept[name] for name in kept.files}
        return _summary_of(stored)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _summary_of(stored: Mapping[str, NDArray[Any]]) -> Summary:
    names = [measure.name for measure in MEASURES]
    known = dict(zip(names, stored["known"].tolist(), strict=True))
    quantiles = dict(zip(names, stored["quantiles"], strict=True))
    histograms = dict(zip(names, stored["histograms"], strict=True))
    return Summary(
        people=int(stored["people"]),
        quantiles={name: values for name, values in quantiles.items() if known[name]},
        known=known,
        histograms={name: values for name, values in histograms.items() if known[name]},
        flags={f: (y, n, u) for f, (y, n, u) in zip(FLAGS, stored["flags"].tolist(), strict=True)},
        genders=dict(
            zip(stored["gender_names"].tolist(), stored["gender_counts"].tolist(), strict=True)
        ),
        poses=stored["poses"].astype(np.float64),
        samples=tuple(stored["samples"].tolist()),
    )
