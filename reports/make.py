"""From standings and a store to a page on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ehpsbench.leaderboards.table import Standings
from ehpsbench.reports.build import write_report
from ehpsbench.reports.data import gather
from ehpsbench.reports.examples import examples
from ehpsbench.store import Store

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet


def make_report(
    store: Store,
    standings: Standings,
    bodies: BodySet,
    *,
    out: Path,
    title: str | None = None,
    verdict: dict[str, Any] | None = None,
    about: dict[str, str] | None = None,
    embed_images: bool = False,
    embed_meshes: bool = False,
) -> Path:
    """Write the report of a ranking.

    Args:
        store: with the runs, predictions and results behind the standings.
        standings: the ranking.
        bodies: the body set of its numbers.
        out: HTML file.
        title: of the page; default: the board's.
        verdict: what became of the demo's planted order.
        about: a line on each training set.
        embed_images: show images of licensed releases where their card allows it.
        embed_meshes: the same for meshes.
    """
    heading = title or f"Datasets ranked by {str(standings.board['title']).lower()}"
    data = gather(store, standings, title=heading, verdict=verdict, about=about)
    drawn = examples(store, standings, bodies, embed_images=embed_images, embed_meshes=embed_meshes)
    return write_report(out, data, drawn)
