"""From standings and a store to a page on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ehpsbench.leaderboards.table import Standings
from ehpsbench.reports.build import write_report
from ehpsbench.reports.given import Wishes, gather
from ehpsbench.store import Store

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet


def make_report(
    store: Store,
    standings: Standings | Sequence[Standings],
    bodies: BodySet,
    *,
    out: Path,
    title: str | None = None,
    verdict: dict[str, Any] | None = None,
    about: dict[str, str] | None = None,
    embed_images: bool = False,
    embed_meshes: bool = False,
) -> Path:
    """Write the report of one ranking or of several.

    Args:
        store: with the runs, predictions and results behind the standings.
        standings: the rankings; the page opens with the first.
        bodies: the body set of their numbers.
        out: HTML file.
        title: of the page; default: the first board's.
        verdict: what became of the demo's planted order.
        about: a line on each training set.
        embed_images: show images of licensed releases where their card allows it.
        embed_meshes: the same for meshes.
    """
    rankings = [standings] if isinstance(standings, Standings) else list(standings)
    heading = title or f"Datasets ranked by {_inside(str(rankings[0].board['title']))}"
    boards = [
        gather(
            store,
            ranking,
            bodies,
            title=heading,
            wishes=Wishes(embed_images, embed_meshes),
            prefix=f"{ranking.board['name']}-" if place else "",
            verdict=None if place else verdict,
            about=about,
        )
        for place, ranking in enumerate(rankings)
    ]
    return write_report(out, *boards)


def _inside(title: str) -> str:
    """A title inside a sentence: its first letter small, but that of a name such as AGORA."""
    first = title.partition(" ")[0]
    return title if first[1:] != first[1:].lower() else title[:1].lower() + title[1:]
