"""Best, median and worst people of every benchmark, with truth and prediction side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ehpsbench.errors import EhpsbenchError
from ehpsbench.evaluation.predictions import read_predictions
from ehpsbench.evaluation.results import read_rows, read_summary
from ehpsbench.leaderboards.spelling import spelled
from ehpsbench.reports.given import Given
from ehpsbench.reports.kept import drawing, kept_pictures
from ehpsbench.reports.permission import Permission, permission
from ehpsbench.reports.pictures import Picture, Stage, people, predicted
from ehpsbench.reports.point_maps import benchmarks
from ehpsbench.reports.section import Section
from ehpsbench.reports.words import number

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.leaderboards.table import Standing
    from ehpsbench.store import Store

ORDER = 110
MOST = 8  # benchmarks
RANKS = (("Best", 0.0), ("Median", 0.5), ("Worst", 1.0))


@dataclass(frozen=True, slots=True)
class Example:
    """One person.

    Attributes:
        rank: best, median or worst.
        person: who.
        error: of the leading row, with its unit.
        pictures: the crop where it may be shown, the truth, predictions.
    """

    rank: str
    person: str
    error: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """The people of one benchmark.

    Attributes:
        benchmark: its name.
        primary: what they are ordered by.
        examples: three people.
        why: what is not shown, and why.
    """

    benchmark: str
    primary: str
    examples: tuple[Example, ...]
    why: str


def section(given: Given) -> Section | None:
    """Three people of each benchmark by the errors of the leading row, beside the last row's."""
    if not given.first or given.store is None or given.bodies is None:
        return None
    ranked = [row for row in given.standings.rows if row.tie_group is not None]
    ranked = ranked or list(given.standings.rows[:1])
    if not ranked:
        return None
    shown = [ranked[0], ranked[-1]] if len(ranked) > 1 else ranked
    names = benchmarks(given)
    exhibits = []
    for name in names[:MOST]:
        exhibit = _exhibit(given, given.store, given.bodies, name, shown)
        if exhibit is not None:
            exhibits.append(exhibit)
    if not exhibits:
        return None
    context = {
        "exhibits": exhibits,
        "leader": shown[0].name,
        "last": shown[-1].name if len(shown) > 1 else "",
        "more": max(0, len(names) - MOST),
    }
    return Section("gallery", "Best, median, worst", "gallery.html.j2", context, "Examples")


def _exhibit(
    given: Given, store: Store, bodies: BodySet, benchmark: str, shown: list[Standing]
) -> Exhibit | None:
    """None where bodies are not compared, or nobody has an error or a prediction any more."""
    entry = shown[0].entries[0]
    try:
        summary = read_summary(store, entry, benchmark)
        rows = read_rows(store, entry, benchmark)
    except EhpsbenchError:
        return None
    if summary["task"] != "mesh":
        return None
    chosen = _chosen(rows, summary["primary"])
    dataset, split = summary["dataset"], summary["split"]
    may = permission(store.manifest(dataset), given.wishes)
    said = {row.name: _said(store, row.entries[0], benchmark, list(chosen)) for row in shown}
    rows_of = cache(lambda: people(store, dataset, [split], list(chosen)))
    drawn = _Drawn(store, bodies, dataset, may, rows_of, said)
    examples = []
    for (person, error), (rank, _) in zip(chosen.items(), RANKS, strict=False):
        pictures = drawn.pictures(person, 2 if rank == "Median" else 1)
        if pictures:
            words = f"{number(error)} {summary['unit']}"
            examples.append(Example(rank, person, words, pictures))
    if not examples:
        return None
    return Exhibit(benchmark, spelled(summary["primary"]), tuple(examples), may.why)


def _chosen(rows: pa.Table, primary: str) -> dict[str, float]:
    """Person → error of the best, the median and the worst; each once."""
    errors = np.asarray(rows[primary], np.float64)
    order = np.argsort(np.where(np.isfinite(errors), errors, np.inf), kind="stable")
    order = order[: np.count_nonzero(np.isfinite(errors))]
    places = [round(share * (len(order) - 1)) for _, share in RANKS] if len(order) else []
    found = [int(order[place]) for place in dict.fromkeys(places)]
    return {str(rows["instance_id"][row].as_py()): float(errors[row]) for row in found}


def _said(store: Store, entry: str, benchmark: str, ids: list[str]) -> dict[str, pa.Table]:
    """Person → row of the predictions; nobody where they are gone."""
    try:
        table = read_predictions(store, entry, benchmark)
    except EhpsbenchError:
        return {}
    here = table.filter(pc.is_in(table["instance_id"], value_set=pa.array(ids, pa.string())))
    names = here["instance_id"].to_pylist()
    return {name: here.slice(row, 1) for row, name in enumerate(names)}


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What the pictures of a benchmark's people are made from."""

    store: Store
    bodies: BodySet
    dataset: str
    may: Permission
    rows: Callable[[], Mapping[str, Any]]
    said: Mapping[str, Mapping[str, pa.Table]]

    def pictures(self, person: str, most: int) -> tuple[Picture, ...]:
        """Crop, truth and so many predictions; none where the person cannot be drawn."""
        said = [(name, s[person]) for name, s in self.said.items() if person in s][:most]
        print_ = self.store.manifest(self.dataset)["fingerprint"]
        of = ["gallery", *drawing(self.bodies, self.may, print_), person]
        of += [[name, rows.to_pylist()] for name, rows in said]
        return tuple(kept_pictures(self.store, of, lambda: self._drawn(person, said)))

    def _drawn(self, person: str, said: list[tuple[str, pa.Table]]) -> list[Picture]:
        if person not in self.rows():
            return []
        try:
            row = self.rows()[person]
            stage = Stage.of(self.store, self.dataset, row, self.bodies, self.may)
            crop = stage.crop()
            found = [*([crop] if crop else []), stage.truth()]
            return found + [stage.said(predicted(rows), name) for name, rows in said]
        except EhpsbenchError:  # an image that is gone, a model that is not here
            return []
