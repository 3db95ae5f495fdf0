"""What a report shows, gathered from a store: plain values, ready for a template."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ehpsbench.errors import InputError
from ehpsbench.leaderboards.convergence import Curve, read_curve
from ehpsbench.leaderboards.sweeps.halved import read_halved
from ehpsbench.leaderboards.table import Standings
from ehpsbench.store import Store


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything on the page.

    Attributes:
        title: of the page.
        standings: the ranking.
        curves: one for each cell.
        datasets: manifests of the training sets and of the benchmarks' datasets.
        cells: records of the cells.
        protocols: summaries of the benchmarks' results, for the hashes and counts.
        verdict: the planted order and what became of it; only the demo has one.
        about: what each training set is, in words; may be empty.
        halved: what successive halving came to, where the ranking goes back to it.
    """

    title: str
    standings: Standings
    curves: tuple[Curve, ...]
    datasets: tuple[dict[str, Any], ...]
    cells: tuple[dict[str, Any], ...]
    protocols: tuple[dict[str, Any], ...]
    verdict: dict[str, Any] | None = None
    about: dict[str, str] | None = None
    halved: dict[str, Any] | None = None


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
            if (curve := read_curve(store, row.name, e))
        ),
        datasets=tuple(store.manifest(n) for n in names if n in store.datasets()),
        cells=tuple(cells.values()),
        protocols=tuple(protocols),
        verdict=verdict,
        about=about,
        halved=read_halved(store, standings),
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
