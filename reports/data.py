"""What a report shows, gathered from a store: plain values, ready for a template."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ehpsbench.errors import InputError
from ehpsbench.leaderboards.table import Standings
from ehpsbench.store import Store


@dataclass(frozen=True, slots=True)
class Curve:
    """How one cell learnt.

    Attributes:
        group: the training set and recipe.
        cell: the run.
        samples: (P,) samples seen.
        error_mm: (P,) held-out MPJPE of the training set itself [mm].
    """

    group: str
    cell: str
    samples: tuple[int, ...]
    error_mm: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class InDomain:
    """Whether a training set teaches its own held-out people better than a mean pose would.

    Attributes:
        group: the training set and recipe.
        rows: held-out people.
        model_mm: held-out PVE, mean over the seeds [mm]; MPJPE where there are no meshes.
        mean_pose_mm: the same of the mean pose [mm].
        measure: "PVE" or "MPJPE".
    """

    group: str
    rows: int
    model_mm: float
    mean_pose_mm: float
    measure: str

    @property
    def passes(self) -> bool:
        """True when the model beats the mean pose."""
        return self.model_mm < self.mean_pose_mm


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything on the page.

    Attributes:
        title: of the page.
        standings: the ranking.
        curves: one for each cell.
        in_domain: one for each training set.
        datasets: manifests of the training sets and of the benchmarks' datasets.
        cells: records of the cells.
        protocols: summaries of the benchmarks' results, for the hashes and counts.
        verdict: the planted order and what became of it; only the demo has one.
        about: what each training set is, in words; may be empty.
    """

    title: str
    standings: Standings
    curves: tuple[Curve, ...]
    in_domain: tuple[InDomain, ...]
    datasets: tuple[dict[str, Any], ...]
    cells: tuple[dict[str, Any], ...]
    protocols: tuple[dict[str, Any], ...]
    verdict: dict[str, Any] | None = None
    about: dict[str, str] | None = None


def gather(
    store: Store,
    standings: Standings,
    *,
    title: str,
    verdict: dict[str, Any] | None = None,
    about: dict[str, str] | None = None,
) -> ReportData:
    """Read what the page needs from a store.

    Args:
        store: with runs and results of the entries in `standings`.
        standings: the ranking.
        title: of the page.
        verdict: of the demo.
        about: a line on each training set.
    """
    cells = {e: r for row in standings.rows for e in row.entries if (r := _record(store, e))}
    protocols = _summaries(store, standings)
    names = dict.fromkeys([c["dataset"] for c in cells.values()])
    names |= dict.fromkeys([p["dataset"] for p in protocols])
    return ReportData(
        title=title,
        standings=standings,
        curves=tuple(
            curve
            for row in standings.rows
            for e in row.entries
            if (curve := _curve(store, row.name, e))
        ),
        in_domain=tuple(
            check for row in standings.rows if (check := _in_domain(store, row.name, row.entries))
        ),
        datasets=tuple(store.manifest(n) for n in names if n in store.datasets()),
        cells=tuple(cells.values()),
        protocols=tuple(protocols),
        verdict=verdict,
        about=about,
    )


def _json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is broken ({error}); delete it and make it again.") from error
    return value


def _record(store: Store, entry: str) -> dict[str, Any] | None:
    return _json(store.runs / entry / "cell.json")


def _summaries(store: Store, standings: Standings) -> list[dict[str, Any]]:
    """One summary a benchmark: protocol, counts and body are the same for all entries."""
    found = []
    for benchmark in standings.benchmarks:
        for row in standings.rows:
            paths = [store.results / e / f"{benchmark.id}.json" for e in row.entries]
            summary = next((s for p in paths if (s := _json(p))), None)
            if summary is not None:
                found.append(summary)
                break
    return found


def _curve(store: Store, group: str, entry: str) -> Curve | None:
    path = store.runs / entry / "log.jsonl"
    if not path.is_file():
        return None
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    points = [(p["samples_seen"], p["heldout_mpjpe_mm"]) for p in lines]
    known = [(s, e) for s, e in points if e is not None]
    return Curve(group, entry, tuple(s for s, _ in known), tuple(e for _, e in known))


def _in_domain(store: Store, group: str, entries: Sequence[str]) -> InDomain | None:
    reports = [r for e in entries if (r := _json(store.runs / e / "heldout.json"))]
    if not reports:
        return None
    whole = all(r["model"]["pve_mm"] is not None for r in reports)
    key = "pve_mm" if whole else "mpjpe_mm"
    values = [(r["model"][key], r["mean_pose"][key]) for r in reports]
    if any(value is None for pair in values for value in pair):
        return None
    model = sum(m for m, _ in values) / len(values)
    mean_pose = sum(b for _, b in values) / len(values)
    return InDomain(group, reports[0]["rows"], model, mean_pose, "PVE" if whole else "MPJPE")
