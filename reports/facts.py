"""What stands behind a row of the board: licences, people, time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from ehpsbench.dataset_adapters.catalogue import card
from ehpsbench.dataset_adapters.catalogue import names as known_cards
from ehpsbench.leaderboards.table import Standing
from ehpsbench.reports.given import Given

if TYPE_CHECKING:
    from ehpsbench.dataset_adapters.card import Licence

COMMERCIAL = {"yes": "allowed", "ask": "ask the owners", "no": "not allowed"}
ACCESS = {"none": "direct download", "form": "account or form", "request": "on request"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a row was made of.

    Attributes:
        licences: of its training sets, each once.
        commercial: the strictest: yes, ask or no; empty where no card says.
        registration: the strictest: none, form or request; empty where no card says.
        miniature: made by ehpsbench; the licence is the real release's.
        people: rows that it was trained on; NaN unknown.
        seconds: of training a seed, the median; NaN unknown.
        samples: seen by a seed; NaN unknown.
        devices: that it was trained on.
    """

    licences: tuple[str, ...] = ()
    commercial: str = ""
    registration: str = ""
    miniature: bool = False
    people: float = math.nan
    seconds: float = math.nan
    samples: float = math.nan
    devices: tuple[str, ...] = ()


def facts(given: Given) -> dict[str, Facts]:
    """Facts by row."""
    return {row.name: _facts(given, row) for row in given.standings.rows}


def _facts(given: Given, row: Standing) -> Facts:
    cells = [c for c in given.cells if c["id"] in {e.partition("@")[0] for e in row.entries}]
    if not cells:
        return Facts()
    parts = {part for c in cells for part in c["parts"]}
    manifests = [m for m in given.datasets if m["dataset"] in parts]
    found = _licences(manifests)
    return Facts(
        licences=tuple(dict.fromkeys(licence.name for licence in found)),
        commercial=_strictest([licence.commercial for licence in found], tuple(COMMERCIAL)),
        registration=_strictest([licence.registration for licence in found], tuple(ACCESS)),
        miniature=any(m["miniature"] for m in manifests),
        people=float(median(c["training_rows"] for c in cells)),
        seconds=float(median(c["seconds"]["training"] for c in cells)),
        samples=float(median(c["samples_seen"] for c in cells)),
        devices=tuple(sorted({str(c["device"]) for c in cells})),
    )


def _licences(manifests: Sequence[dict[str, Any]]) -> list[Licence]:
    cards = set(known_cards())
    sources = dict.fromkeys(str(m["source_dataset"]) for m in manifests)
    return [card(source).licence for source in sources if source in cards]


def _strictest(values: Sequence[str], order: Sequence[str]) -> str:
    return max(values, key=order.index) if values else ""


def duration(seconds: float) -> str:
    """Seconds as one reads them."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
