"""What successive halving came to, and where it is kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ehpsbench.atomic import write_text
from ehpsbench.errors import StoreError
from ehpsbench.leaderboards.rankings import found_path
from ehpsbench.leaderboards.sweeps.comparison import Comparison
from ehpsbench.leaderboards.sweeps.sweep import Failure
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


def read_halved(store: Store, standings: Standings) -> dict[str, Any] | None:
    """The outcome of halving, as JSON has it, that a ranking goes back to.

    Args:
        store: that holds both.
        standings: a ranking of survivors, or a full one that holds their cells too.

    Returns:
        None where there was none, or its survivors are other cells than those ranked.

    Raises:
        StoreError: the record is broken.
    """
    path = found_path(store, str(standings.board["name"]), SUFFIX)
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        rows = found["standings"]["rows"] if found["standings"] else []
        entries = {entry for row in rows for entry in row["entries"]}
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is broken ({error}). Delete it, or halve again.") from error
    ranked = {entry for row in standings.rows for entry in row.entries}
    return found if entries and entries <= ranked else None


def stopped_early(store: Store, standings: Standings) -> dict[str, int]:
    """Datasets that a ranking lacks because halving stopped them, or could not judge them yet.

    Returns:
        Dataset → samples at which it was last looked at.
    """
    found = read_halved(store, standings) or {"places": []}
    ranked = {row.name for row in standings.rows}
    places = {place["name"]: int(place["samples"]) for place in found["places"]}
    return {name: samples for name, samples in places.items() if name not in ranked}
