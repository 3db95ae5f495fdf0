"""What successive halving came to, and where it is kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ehpsbench.atomic import write_text
from ehpsbench.leaderboards.comparison import Comparison
from ehpsbench.leaderboards.sweep import Failure
from ehpsbench.leaderboards.table import Standings, plain

if TYPE_CHECKING:
    from ehpsbench.store import Store

SUFFIX = ".halving.json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a dataset stood when it was last looked at.

    Attributes:
        name: of the dataset.
        samples: that each of its runs saw.
        mpe_mm: mean primary error there.
        rank_low: best rank of its interval, among those that ran so far.
        rank_high: worst rank of it.
        stopped: whether it was stopped there.
        why: in words.
        judged: False where a cell of it failed there: it neither stopped nor goes on, until the
            same call has made the cell.
    """

    name: str
    samples: int
    mpe_mm: float
    rank_low: int
    rank_high: int
    stopped: bool
    why: str
    judged: bool = True


@dataclass(frozen=True, slots=True)
class Halved:
    """What successive halving came to.

    Attributes:
        top: how many are looked for.
        rungs: samples at which all were looked at; the last is the budget.
        places: of all datasets, best first: those that ran to the end, then those stopped last,
            then those that could not be judged.
        standings: of those that ran to the end; None while there are none.
        samples: that were trained on, by cells that did not fail.
        full_samples: that the full sweep trains on.
        comparison: with the full sweep, where the store holds it.
        failures: cells that ended without results; their datasets are not judged.
    """

    top: int
    rungs: tuple[int, ...]
    places: tuple[Place, ...]
    standings: Standings | None
    samples: int
    full_samples: int
    comparison: Comparison | None
    failures: tuple[Failure, ...]

    @property
    def survivors(self) -> list[str]:
        """Who ran to the end, best first."""
        return [place.name for place in self.places if place.judged and not place.stopped]

    @property
    def unjudged(self) -> list[str]:
        """Who has a failed cell."""
        return [place.name for place in self.places if not place.judged]

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what is not known is None."""
        found: dict[str, Any] = plain(
            {
                "top": self.top,
                "rungs": self.rungs,
                "places": [asdict(place) for place in self.places],
                "survivors": self.survivors,
                "samples": self.samples,
                "full_samples": self.full_samples,
                "comparison": None if self.comparison is None else asdict(self.comparison),
                "standings": None if self.standings is None else self.standings.as_dict(),
                "failures": {f.job.entry: f.words for f in self.failures},
            }
        )
        return found


def halving_path(store: Store, board: str) -> Path:
    """Where the outcome of halving on a board is kept."""
    return store.reports / f"{board}{SUFFIX}"


def save_halved(store: Store, board: str, found: Halved) -> Path:
    """Keep what halving came to; the last one of a board replaces the one before."""
    path = halving_path(store, board)
    text = json.dumps(found.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")
    return path
