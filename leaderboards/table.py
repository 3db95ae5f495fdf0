"""The outcome of a ranking: who stands where, and how sure that is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ehpsbench.leaderboards.board import Direction
from ehpsbench.leaderboards.convergence import Ending
from ehpsbench.leaderboards.in_domain import InDomain


@dataclass(frozen=True, slots=True)
class Value:
    """A number with its 95 % interval and its rank; NaN and None where there is none."""

    mean: float = math.nan
    low: float = math.nan
    high: float = math.nan
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None


@dataclass(frozen=True, slots=True)
class BenchmarkFacts:
    """What a benchmark's numbers rest on.

    Attributes:
        id: the benchmark.
        primary: its error column.
        people: rows that every entry was scored on.
        clusters: how many there are.
        resampled: `clusters`, or `people` where there is but one cluster.
        few_clusters: fewer than 10 clusters: read its interval with care.
        zero_shot_median: median error of the zero-shot cells there [mm]; NaN without any.
        zero_shot_cells: how many there are.
        protocol: what it is scored by.
        unit: of its number: mm, %, degrees, m; 1 for shares.
        direction: which way its number is better.
        counts: in the order; else it is only shown.
        kind: its number is a mean over people, or made of statistics that add up or are ranked.
        protocol_hash: of the rules; "" where they were not looked up.
    """

    id: str
    primary: str
    people: int
    clusters: int
    resampled: str
    few_clusters: bool
    zero_shot_median: float
    zero_shot_cells: int
    protocol: str = ""
    unit: str = "mm"
    direction: Direction = "lower"
    counts: bool = True
    kind: Literal["people", "statistics"] = "people"
    protocol_hash: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """What rows are ordered by, which is what `Standing.mpe` holds.

    Attributes:
        name: in a word: MPE, mean rank, or the name of a board's one number.
        unit: "" for ranks, "1" for shares.
        direction: which way it is better.
        order: the mean of numbers, or of ranks.
    """

    name: str = "MPE"
    unit: str = "mm"
    direction: Direction = "lower"
    order: Literal["mean", "rank"] = "mean"


@dataclass(frozen=True, slots=True)
class Standing:
    """One training set or model on the board.

    Attributes:
        name: the group: a training set with its recipe, or a model.
        entries: the entries behind the numbers, one for each seed.
        left_out: entries of the group that lack a benchmark while others have all.
        mpe: mean primary error [mm], or what else `Standings.score` says; NaN when a benchmark
            that counts is missing.
        tie_group: 1 for the best and all that cannot be told from it, then 2, …; None unranked.
        missing: benchmarks without a result.
        errors: primary error by benchmark [mm].
        in_domain: benchmarks whose data, or data overlapping it, trained this group.
        zero_shot: mean over its zero-shot benchmarks of (error − median of the zero-shot cells).
        out_of_domain: mean primary error over the benchmarks that are not in `in_domain` [mm]; of
            other benchmarks in every row, so it has no rank.
        rank_without: benchmark → rank by the mean over the others; empty for who is not ranked.
        within: share of resamples in which it is the first, among the first two, …, among all
            that are ranked; empty for who is not.
        endings: how the learning curves of its cells end; those that are known.
        own_people: the in-domain check; None where it is not known.
        marks: what to doubt about this row, a sentence each.
    """

    name: str
    entries: tuple[str, ...]
    left_out: tuple[str, ...]
    mpe: Value
    tie_group: int | None
    missing: tuple[str, ...]
    errors: Mapping[str, Value]
    in_domain: tuple[str, ...]
    zero_shot: Value
    out_of_domain: Value = Value()
    rank_without: Mapping[str, int] = field(default_factory=dict)
    within: tuple[float, ...] = ()
    endings: tuple[Ending, ...] = ()
    own_people: InDomain | None = None
    marks: tuple[str, ...] = ()

    @property
    def rank_range(self) -> tuple[int, int] | None:
        """Best and worst rank without any one of the benchmarks."""
        places = self.rank_without.values()
        return (min(places), max(places)) if places else None


@dataclass(frozen=True, slots=True)
class Standings:
    """A board, filled in; `rows` are ordered best first, those without an MPE last.

    Attributes:
        board: its name, title, version and hash.
        benchmarks: in the board's order.
        rows: one for each group.
        beats: (R, R) share of resamples in which the row's `mpe` is better than the column's, ties
            half; NaN where either is not ranked.
        difference_low: (R, R) lower end of the interval of `mpe` of row − column.
        difference_high: (R, R) its upper end.
        samples: resamples drawn.
        seed: of the random numbers.
        level: of all intervals.
        method: how they were made, in words.
        agreement: benchmark → Kendall's tau of this order and the order without it.
        remarks: what to doubt about all rows alike, a sentence each.
        score: what rows are ordered by.
        body_set: that all numbers belong to; "" where no body is compared, or several are.
    """

    board: Mapping[str, Any]
    benchmarks: tuple[BenchmarkFacts, ...]
    rows: tuple[Standing, ...]
    beats: NDArray[np.float64]
    difference_low: NDArray[np.float64]
    difference_high: NDArray[np.float64]
    samples: int
    seed: int
    level: float
    method: str
    agreement: Mapping[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    score: Score = Score()
    body_set: str = ""

    def shown_rank(self, row: Standing) -> str:
        """A rank as it may be printed: `2=` for all of a tie group whose best is second."""
        if row.tie_group is None or row.mpe.rank is None:
            return "–"
        tied = [r.mpe.rank for r in self.rows if r.tie_group == row.tie_group and r.mpe.rank]
        return f"{min(tied)}=" if len(tied) > 1 else str(row.mpe.rank)

    def row(self, name: str) -> Standing:
        """The standing of a group."""
        return next(r for r in self.rows if r.name == name)

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, dicts and numbers; NaN becomes None."""
        found: dict[str, Any] = plain(dataclasses.asdict(self))
        return found


def plain(value: Any) -> Any:
    """Lists, dicts and numbers that JSON can hold; NaN becomes None."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
