"""What the order owes to a single benchmark, and to benchmarks that a set was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.bootstrap import ranks
from ehpsbench.leaderboards.groups import Estimate, Group
from ehpsbench.leaderboards.kendall import kendall_tau
from ehpsbench.leaderboards.overall import better_first, combined, sign

Ranks = dict[str, int]  # group → rank


def leave_one_out(board: Board, groups: Sequence[Group]) -> dict[str, Ranks]:
    """Benchmark → the rank of every group by the others that count.

    Args:
        board: of a single benchmark that counts none can be left out.
        groups: those with a result on all that count.
    """
    ids = board.counted
    if len(ids) < 2 or not groups:
        return {}
    found = {}
    for benchmark in ids:
        others = [b for b in ids if b != benchmark]
        errors = np.asarray([[[g.error[b] for b in others] for g in groups]])
        places = ranks(sign(board) * combined(board, others, errors))[0]
        found[benchmark] = {g.name: int(p) for g, p in zip(groups, places, strict=True)}
    return found


def agreements(
    board: Board, found: Mapping[str, Estimate], without: Mapping[str, Ranks]
) -> dict[str, float]:
    """Benchmark → Kendall's tau-b of the board's order and the order without it.

    Args:
        board: whose order.
        found: the order's number of the ranked groups.
        without: as `leave_one_out` says.
    """
    points = better_first(board, found)
    return {
        b: kendall_tau(list(points.values()), [places[n] for n in points])
        for b, places in without.items()
    }


def out_of_domain(board: Board, groups: Sequence[Group]) -> dict[str, Estimate]:
    """The mean over the benchmarks that count and that a group was not trained on.

    Means over different benchmarks cannot be compared, so they have no ranks: the zero-shot reading
    is what compares.

    Args:
        board: ordered by a mean.
        groups: any; those that lack one of these benchmarks, or have none, are not in the answer.
    """
    found = {}
    for group in groups:
        other = [b for b in board.counted if b not in group.in_domain]
        if other and all(b in group.error for b in other):
            found[group.name] = group.mpe(other)
    return found
