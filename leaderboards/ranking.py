"""Ranks with intervals: a paired bootstrap over clusters, and over seeds where there are several.

One resample draws clusters (recordings, videos) of every benchmark, the same for all entries, and
the luck of every group's seeds, the same for all benchmarks; means, MPEs, ranks and differences are
recomputed in it, and intervals are percentiles over the resamples. Pairing makes what is hard for
everybody cancel in differences and ranks. No correction is made for comparing many pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ehpsbench.errors import InputError
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.bootstrap import rank_interval, ranks
from ehpsbench.leaderboards.groups import (
    Entrant,
    ErrorRows,
    Estimate,
    Group,
    Scored,
    groups_of,
    scored,
)
from ehpsbench.leaderboards.marks import marks_of_seeds, remarks
from ehpsbench.leaderboards.stability import agreements, leave_one_out, out_of_domain
from ehpsbench.leaderboards.table import BenchmarkFacts, Standing, Standings, Value
from ehpsbench.leaderboards.zero_shot import is_zero_shot_cell, zero_shot, zero_shot_median
from ehpsbench.resampling import LEAST_CLUSTERS, Floats, interval

FEW_CLUSTERS = 10
LEVEL = 0.95
TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
METHOD = (
    "95 % percentile intervals of a paired bootstrap: n − 1 of n clusters of each benchmark drawn "
    "with replacement, the same for all entries, and for each training set as many seeds as it "
    "has, their luck drawn from the deviations of all sets' seeds pooled; where no set has two "
    "seeds, and for models that were not trained here, luck is not in the intervals; in a "
    f"benchmark with fewer than {LEAST_CLUSTERS} clusters people are drawn"
)


def rank(
    rows: Mapping[str, Mapping[str, ErrorRows]],
    board: Board,
    *,
    entrants: Mapping[str, Entrant] | None = None,
    samples: int = 2000,
    seed: int = 0,
) -> Standings:
    """Order entries by mean primary error, with intervals.

    Args:
        rows: entry → benchmark → primary errors. A benchmark that is not there is missing: the
            entry gets no MPE, unless another seed of its group has all benchmarks.
        board: the benchmarks.
        entrants: groups, domains and kinds; an entry that is not there is a group of its own.
        samples: resamples.
        seed: of the random numbers; the same seed gives the same standings.

    Raises:
        InputError: nothing to rank, or entries were scored on different people.
    """
    if not rows or samples < 1:
        raise InputError(f"Ranking needs entries and samples, got {len(rows)} and {samples}.")
    found = {b: scored(b, rows, samples, seed) for b in board.ids}
    known = {e: Entrant(e) for e in rows} | dict(entrants or {})
    groups = groups_of({e: known[e] for e in rows}, found, samples, seed)
    return _standings(board, found, groups, samples, seed)


def _standings(
    board: Board,
    found: Mapping[str, Scored],
    groups: Sequence[Group],
    samples: int,
    seed: int,
) -> Standings:
    mpe = {g.name: g.mpe(board.ids) for g in groups if not g.missing}
    ordered = sorted(
        groups, key=lambda g: (len(g.missing), mpe[g.name][0] if g.name in mpe else 0.0, g.name)
    )
    medians = {b: zero_shot_median(b, ordered) for b in board.ids}
    pairs = _pairs([mpe[g.name][1] for g in ordered if g.name in mpe], len(ordered))
    without = leave_one_out(board.ids, [g for g in ordered if g.name in mpe])
    facts = _facts(board, found, ordered, medians)
    ties = _tie_groups(pairs[1][: len(mpe), : len(mpe)])
    return Standings(
        board={
            "name": board.name,
            "title": board.title,
            "version": board.version,
            "hash": board.hash,
        },
        benchmarks=facts,
        rows=_rows(board, ordered, mpe, medians, ties=ties, without=without),
        beats=pairs[0],
        difference_low=pairs[1],
        difference_high=pairs[2],
        samples=samples,
        seed=seed,
        level=LEVEL,
        method=METHOD,
        agreement=agreements(mpe, without),
        remarks=remarks(facts, ordered),
    )


def _rows(
    board: Board,
    ordered: Sequence[Group],
    mpe: Mapping[str, Estimate],
    medians: Mapping[str, Estimate],
    *,
    ties: Sequence[int],
    without: Mapping[str, Mapping[str, int]],
) -> tuple[Standing, ...]:
    """What is known of each group, best first; but for `medians`, only of the ranked ones."""
    means = _values(mpe)
    relative = _values(zero_shot(ordered, medians))
    others = _unranked(out_of_domain(board.ids, ordered))
    errors = {b: _values({g.name: g.estimate(b) for g in ordered if b in g.error}) for b in medians}
    return tuple(
        Standing(
            name=g.name,
            entries=g.seeds,
            left_out=g.left_out,
            mpe=means.get(g.name, Value()),
            tie_group=ties[i] if i < len(ties) else None,
            missing=g.missing,
            errors={b: errors[b].get(g.name, Value()) for b in board.ids},
            in_domain=tuple(b for b in board.ids if b in g.in_domain),
            zero_shot=relative.get(g.name, Value()),
            out_of_domain=others.get(g.name, Value()),
            rank_without={b: places[g.name] for b, places in without.items() if g.name in places},
            marks=marks_of_seeds(g, ordered),
        )
        for i, g in enumerate(ordered)
    )


def _facts(
    board: Board,
    found: Mapping[str, Scored],
    groups: Sequence[Group],
    medians: Mapping[str, Estimate],
) -> tuple[BenchmarkFacts, ...]:
    return tuple(
        BenchmarkFacts(
            id=b.id,
            primary=b.primary,
            people=found[b.id].people,
            clusters=found[b.id].clusters,
            resampled="clusters" if found[b.id].clusters >= LEAST_CLUSTERS else "people",
            few_clusters=found[b.id].clusters < FEW_CLUSTERS,
            zero_shot_median=medians[b.id][0],
            zero_shot_cells=sum(is_zero_shot_cell(g, b.id) for g in groups),
        )
        for b in board.benchmarks
    )


def _values(estimates: Mapping[str, Estimate]) -> dict[str, Value]:
    """Point estimate and resamples by name → values with intervals and ranks."""
    if not estimates:
        return {}
    points = ranks(np.asarray([[p for p, _ in estimates.values()]]))[0]
    drawn = np.stack([s for _, s in estimates.values()], axis=1)
    places = ranks(drawn)
    result = {}
    for i, (name, (mean, _)) in enumerate(estimates.items()):
        low, high = interval(drawn[:, i], LEVEL)
        rank_low, rank_high = rank_interval(places[:, i], LEVEL)
        result[name] = Value(mean, low, high, int(points[i]), rank_low, rank_high)
    return result


def _unranked(estimates: Mapping[str, Estimate]) -> dict[str, Value]:
    """Values with intervals of what does not compare."""
    return {name: Value(mean, *interval(drawn, LEVEL)) for name, (mean, drawn) in estimates.items()}


def _pairs(resampled: Sequence[Floats], size: int) -> tuple[Floats, Floats, Floats]:
    """(size, size) P(row < column), and both ends of the interval of row − column."""
    beats, low, high = (np.full((size, size), np.nan) for _ in range(3))
    count = len(resampled)
    every = np.stack(resampled, axis=1) if count else np.empty((1, 0))
    for i in range(count):
        difference = every[:, i, None] - every
        beats[i, :count] = np.mean((difference < 0) + (difference == 0) / 2, axis=0)
        low[i, :count], high[i, :count] = np.quantile(difference, TAILS, axis=0)
    return beats, low, high


def _tie_groups(low: Floats) -> list[int]:
    """Tie group of each ranked row, from the lower ends of the difference intervals.

    From the best down: a row joins the group of the row that leads it unless the interval of its
    difference to that leader lies above 0; the first that does leads the next group. So nobody
    can be told from the best of its own group, while the ends of a group may differ.
    """
    ties: list[int] = []
    leader = 0
    for i in range(len(low)):
        separate = i > 0 and low[i, leader] > 0
        leader = i if separate else leader
        ties.append((ties[-1] if ties else 1) + int(separate))
    return ties
