"""Ranks with intervals: a paired bootstrap over clusters, and over seeds where there are several.

One resample draws clusters (recordings, videos) of every benchmark, the same for all entries, and
the luck of every group's seeds, the same for all benchmarks; means, MPEs, ranks and differences are
recomputed in it, and intervals are percentiles over the resamples. Pairing makes what is hard for
everybody cancel in differences and ranks. No correction is made for comparing many pairs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ehpsbench.errors import InputError
from ehpsbench.evaluation.protocol import NumberFacts
from ehpsbench.leaderboards.board import SIGN, Board
from ehpsbench.leaderboards.bootstrap import rank_interval, ranks, told_apart
from ehpsbench.leaderboards.drawn import Rows, Scored, most_draws, scored
from ehpsbench.leaderboards.groups import Entrant, Estimate, Group, groups_of
from ehpsbench.leaderboards.marks import marks_of_seeds, remarks
from ehpsbench.leaderboards.overall import overall, sign
from ehpsbench.leaderboards.stability import agreements, leave_one_out, out_of_domain
from ehpsbench.leaderboards.table import BenchmarkFacts, Score, Standing, Standings, Value
from ehpsbench.leaderboards.zero_shot import is_zero_shot_cell, zero_shot, zero_shot_median
from ehpsbench.resampling import LEAST_CLUSTERS, Floats, interval

FEW_CLUSTERS = 10
LEVEL = 0.95
TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
METHOD = (
    "95 % percentile intervals of a paired bootstrap: n − 1 of n clusters of each benchmark drawn "
    "with replacement, the same for all entries, and for each training set as many seeds as it "
    "has, their luck drawn from the deviations of all sets' seeds pooled (Student's t about its "
    "own seeds for a set whose seeds spread far more, tested at 1 %); where no set has two "
    "seeds, and for models that were not trained here, luck is not in the intervals; in a "
    f"benchmark with fewer than {LEAST_CLUSTERS} clusters people are drawn"
)
OF_SUMS = (
    "; numbers that are no mean of people (AP, mIoU, F1 and what it divides, pooled angles) are "
    "made anew from the statistics of the drawn clusters"
)
OF_RANKED = "; {} resamples, since average precision ranks all detections in each"
MM = NumberFacts("mm", "lower")


@dataclass(frozen=True, slots=True)
class _Table:
    """What a table is made of.

    Attributes:
        board: what is ranked, and on what.
        columns: unit and direction of each.
        found: who was scored on each.
        groups: best first, those without a place last.
        overall: the order's number of those that have all that counts.
        draws: resamples.
        seed: of the random numbers.
        slow: fewer resamples than were asked for.
    """

    board: Board
    columns: Mapping[str, NumberFacts]
    found: Mapping[str, Scored]
    groups: tuple[Group, ...]
    overall: Mapping[str, Estimate]
    draws: int
    seed: int
    slow: bool

    @property
    def ranked(self) -> list[Group]:
        """Those that have a place."""
        return [g for g in self.groups if g.name in self.overall]

    @property
    def domains(self) -> bool:
        """Whether readings without what trained an entry stand beside the order."""
        return "in_domain" in self.board.never_mix


def rank(
    rows: Mapping[str, Mapping[str, Rows]],
    board: Board,
    *,
    entrants: Mapping[str, Entrant] | None = None,
    columns: Mapping[str, NumberFacts] | None = None,
    samples: int = 2000,
    seed: int = 0,
) -> Standings:
    """Order entries by what the board orders by, with intervals.

    Args:
        rows: entry → column → what its number is made of. A column that counts and is not there is
            missing: the entry gets no rank, unless another seed of its group has all of them.
        board: the benchmarks.
        entrants: groups, domains and kinds; an entry that is not there is a group of its own.
        columns: unit and direction of each column; None: mm, and the board's directions.
        samples: resamples; with average precision at most 400.
        seed: of the random numbers; the same seed gives the same standings.

    Raises:
        InputError: nothing to rank, or entries were scored on different people.
    """
    if not rows or samples < 1:
        raise InputError(f"Ranking needs entries and samples, got {len(rows)} and {samples}.")
    draws = most_draws(rows, samples)
    found = {b.id: scored(b.id, rows, draws, seed, drawn_as=b.protocol) for b in board.benchmarks}
    known = {e: Entrant(e) for e in rows} | dict(entrants or {})
    groups = groups_of({e: known[e] for e in rows}, found, seed, counted=board.counted)
    total = overall(board, [g for g in groups if not g.missing])
    way = sign(board)
    groups.sort(
        key=lambda g: (len(g.missing), way * total[g.name][0] if g.name in total else 0.0, g.name)
    )
    facts = columns or {b.id: NumberFacts(MM.unit, b.direction) for b in board.benchmarks}
    return _standings(
        _Table(board, facts, found, tuple(groups), total, draws, seed, draws < samples)
    )


def _standings(table: _Table) -> Standings:
    board, ordered = table.board, table.groups
    comparable = table.domains and board.order == "mean"
    medians = {b: zero_shot_median(b, ordered) for b in board.counted} if comparable else {}
    drawn = [table.overall[g.name][1] for g in table.ranked]
    beats, low, high = _pairs(drawn, len(ordered), sign(board))
    without = leave_one_out(board, table.ranked)
    facts = _facts(table, medians)
    return Standings(
        board={
            "name": board.name,
            "title": board.title,
            "version": board.version,
            "hash": board.hash,
        },
        benchmarks=facts,
        rows=_rows(table, medians, _tie_groups(beats, low, high, sign(board)), without),
        beats=beats,
        difference_low=low,
        difference_high=high,
        samples=table.draws,
        seed=table.seed,
        level=LEVEL,
        method=_method(table, facts),
        agreement=agreements(board, table.overall, without),
        remarks=remarks([fact for fact in facts if fact.counts], ordered),
        score=_score(table),
    )


def _method(table: _Table, facts: Sequence[BenchmarkFacts]) -> str:
    sums = OF_SUMS if any(fact.kind == "statistics" for fact in facts) else ""
    return METHOD + sums + (OF_RANKED.format(table.draws) if table.slow else "")


def _score(table: _Table) -> Score:
    board = table.board
    unit = "" if board.order == "rank" else table.columns[board.counted[0]].unit
    return Score(board.score_in(unit), unit, board.direction, board.order)


def _rows(
    table: _Table,
    medians: Mapping[str, Estimate],
    ties: Sequence[int],
    without: Mapping[str, Mapping[str, int]],
) -> tuple[Standing, ...]:
    """What is known of each group, best first; ties and places only of the ranked ones."""
    board, ordered, way = table.board, table.groups, sign(table.board)
    total, within = _values(table.overall, way), _within(table.overall, way)
    relative = _values(zero_shot(ordered, medians), way)
    others = _unranked(out_of_domain(board, ordered)) if medians else {}
    errors = {
        b.id: _values(
            {g.name: g.estimate(b.id) for g in ordered if b.id in g.error}, SIGN[b.direction]
        )
        for b in board.benchmarks
    }
    return tuple(
        Standing(
            name=g.name,
            entries=g.seeds,
            left_out=g.left_out,
            mpe=total.get(g.name, Value()),
            tie_group=ties[i] if i < len(ties) else None,
            missing=g.missing,
            errors={b: errors[b].get(g.name, Value()) for b in board.ids},
            in_domain=tuple(b for b in board.ids if b in g.in_domain),
            zero_shot=relative.get(g.name, Value()),
            out_of_domain=others.get(g.name, Value()),
            rank_without={b: places[g.name] for b, places in without.items() if g.name in places},
            within=within.get(g.name, ()),
            marks=marks_of_seeds(g, ordered),
        )
        for i, g in enumerate(ordered)
    )


def _facts(table: _Table, medians: Mapping[str, Estimate]) -> tuple[BenchmarkFacts, ...]:
    return tuple(
        BenchmarkFacts(
            id=b.id,
            primary=b.primary,
            people=(data := table.found[b.id]).people,
            clusters=data.clusters,
            resampled="clusters" if data.clusters >= LEAST_CLUSTERS else "people",
            few_clusters=data.clusters < FEW_CLUSTERS,
            zero_shot_median=medians[b.id][0] if b.id in medians else math.nan,
            zero_shot_cells=sum(is_zero_shot_cell(g, b.id) for g in table.groups),
            protocol=b.protocol,
            unit=table.columns[b.id].unit,
            direction=b.direction,
            counts=b.counts,
            kind=data.kind,
        )
        for b in table.board.benchmarks
    )


def _values(estimates: Mapping[str, Estimate], way: float) -> dict[str, Value]:
    """Point estimate and resamples by name → values with intervals and ranks; −1: higher first."""
    if not estimates:
        return {}
    points = ranks(way * np.asarray([[p for p, _ in estimates.values()]]))[0]
    drawn = np.stack([s for _, s in estimates.values()], axis=1)
    places = ranks(way * drawn)
    result = {}
    for i, (name, (mean, _)) in enumerate(estimates.items()):
        low, high = interval(drawn[:, i], LEVEL)
        rank_low, rank_high = rank_interval(places[:, i], LEVEL)
        result[name] = Value(mean, low, high, int(points[i]), rank_low, rank_high)
    return result


def _within(estimates: Mapping[str, Estimate], way: float) -> dict[str, tuple[float, ...]]:
    """Share of resamples in which each is among the first k, for k = 1 … all; −1: higher first."""
    if not estimates:
        return {}
    places = ranks(way * np.stack([s for _, s in estimates.values()], axis=1))
    reached = np.stack([np.mean(places <= k, axis=0) for k in range(1, len(estimates) + 1)], axis=1)
    return {name: tuple(row.tolist()) for name, row in zip(estimates, reached, strict=True)}


def _unranked(estimates: Mapping[str, Estimate]) -> dict[str, Value]:
    """Values with intervals of what does not compare."""
    return {name: Value(mean, *interval(drawn, LEVEL)) for name, (mean, drawn) in estimates.items()}


def _pairs(resampled: Sequence[Floats], size: int, way: float) -> tuple[Floats, Floats, Floats]:
    """(size, size) P(row better than column), and both ends of the interval of row − column."""
    beats, low, high = (np.full((size, size), np.nan) for _ in range(3))
    count = len(resampled)
    every = np.stack(resampled, axis=1) if count else np.empty((1, 0))
    for i in range(count):
        with np.errstate(invalid="ignore"):
            difference = told_apart(every[:, i, None] - every, every)
        difference = np.nan_to_num(difference, nan=0.0)
        gain = way * difference
        beats[i, :count] = np.mean((gain < 0) + (gain == 0) / 2, axis=0)
        low[i, :count], high[i, :count] = np.quantile(difference, TAILS, axis=0)
    return beats, low, high


def _tie_groups(beats: Floats, low: Floats, high: Floats, way: float) -> list[int]:
    """Tie group of each ranked row, from the intervals of differences.

    From the best down: a row joins the group of the row that leads it unless the interval of its
    difference to that leader lies on the worse side of 0; the first that does leads the next group.
    So nobody can be told from the best of its own group, while the ends of a group may differ.
    """
    ties: list[int] = []
    leader = 0
    for i in range(int(np.isfinite(np.diagonal(beats)).sum())):
        worse = low[i, leader] > 0 if way > 0 else high[i, leader] < 0
        separate = i > 0 and worse
        leader = i if separate else leader
        ties.append((ties[-1] if ties else 1) + int(separate))
    return ties
