"""What the sections of a report are made from: standings, the records behind them, wishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ehpsbench.atomic import read_json
from ehpsbench.evaluation.results import has_result, read_summary
from ehpsbench.leaderboards.convergence import Curve, read_curve
from ehpsbench.leaderboards.sweeps.halved import read_halved
from ehpsbench.leaderboards.table import Standings
from ehpsbench.store import Store

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet


REMEDY = "Delete it and make it again."


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller asks for; the licence of a release may still forbid it.

    Attributes:
        embed_images: show images of licensed releases where their card allows it.
        embed_meshes: the same for meshes.
    """

    embed_images: bool = False
    embed_meshes: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """All that the sections of one board may use.

    Attributes:
        title: of the page.
        standings: the ranking.
        store: with the data, runs and results; None in a page made from numbers alone.
        bodies: the body set of the numbers.
        wishes: what is asked for.
        prefix: of every id on the page; empty for the first board.
        curves: one for each cell that has a log.
        datasets: manifests of the training sets and of the benchmarks' datasets.
        cells: records of the cells.
        summaries: benchmark → entry → summary of the result.
        verdict: the planted order and what became of it; only the demo has one.
        about: what each training set is, in words; may be empty.
        halved: what successive halving came to, where the ranking goes back to it.
    """

    title: str
    standings: Standings
    store: Store | None = None
    bodies: BodySet | None = None
    wishes: Wishes = Wishes()
    prefix: str = ""
    curves: tuple[Curve, ...] = ()
    datasets: tuple[dict[str, Any], ...] = ()
    cells: tuple[dict[str, Any], ...] = ()
    summaries: Mapping[str, Mapping[str, dict[str, Any]]] = field(default_factory=dict)
    verdict: dict[str, Any] | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    halved: dict[str, Any] | None = None

    @property
    def first(self) -> bool:
        """True for the board that the page opens with; the others show only what is theirs."""
        return not self.prefix

    @property
    def protocols(self) -> list[dict[str, Any]]:
        """A summary a benchmark: protocol, counts and body are the same for all entries."""
        return [next(iter(found.values())) for found in self.summaries.values() if found]

    def summaries_on(self, benchmark: str, entries: Sequence[str]) -> list[dict[str, Any]]:
        """Of the results on a benchmark that these entries have."""
        found = self.summaries.get(benchmark, {})
        return [found[entry] for entry in entries if entry in found]

    @property
    def names(self) -> list[str]:
        """The rows of the board, best first."""
        return [row.name for row in self.standings.rows]


def gather(
    store: Store,
    standings: Standings,
    bodies: BodySet | None = None,
    *,
    title: str,
    wishes: Wishes = Wishes(),
    prefix: str = "",
    verdict: dict[str, Any] | None = None,
    about: Mapping[str, str] | None = None,
) -> Given:
    """Read what a board's sections need from a store.

    Args:
        store: with runs and results of the entries in `standings`.
        standings: the ranking.
        bodies: the body set of its numbers.
        title: of the page.
        wishes: what is asked for.
        prefix: of the ids of this board.
        verdict: of the demo.
        about: a line on each training set.
    """
    entries = [(row.name, e) for row in standings.rows for e in row.entries]
    cells = {e: r for _, e in entries if (r := read_json(store.runs / e / "cell.json", REMEDY))}
    summaries = _summaries(store, standings)
    names = dict.fromkeys(part for c in cells.values() for part in (c["dataset"], *c["parts"]))
    names |= dict.fromkeys(s["dataset"] for own in summaries.values() for s in own.values())
    known = set(store.datasets())
    return Given(
        title=title,
        standings=standings,
        store=store,
        bodies=bodies,
        wishes=wishes,
        prefix=prefix,
        curves=tuple(c for name, e in entries if (c := read_curve(store, name, e))),
        datasets=tuple(store.manifest(n) for n in names if n in known),
        cells=tuple(cells.values()),
        summaries=summaries,
        verdict=verdict,
        about=about or {},
        halved=read_halved(store, standings),
    )


def _summaries(store: Store, standings: Standings) -> dict[str, dict[str, dict[str, Any]]]:
    """Benchmark → entry → summary, in the order of the board; read once for all sections."""
    entries = [entry for row in standings.rows for entry in row.entries]
    names = dict.fromkeys(fact.protocol or fact.id for fact in standings.benchmarks)
    return {
        name: {e: read_summary(store, e, name) for e in entries if has_result(store, e, name)}
        for name in names
    }
