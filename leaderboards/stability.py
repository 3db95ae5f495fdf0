"""What the order owes to a single benchmark, and to benchmarks that a set was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ehpsbench.leaderboards.bootstrap import ranks
from ehpsbench.leaderboards.groups import Estimate, Group
from ehpsbench.leaderboards.kendall import kendall_tau

Ranks = dict[str, int]  # group → rank


def leave_one_out(ids: Sequence[str], groups: Sequence[Group]) -> dict[str, Ranks]:
    """Benchmark → the rank of every group by its mean primary error over the other benchmarks.

    Args:
        ids: benchmarks of the board; of a single one none can be left out.
        groups: those with a result on all of them.
    """
    if len(ids) < 2 or not groups:
        return {}
    errors = np.asarray([[g.error[b] for b in ids] for g in groups])
    found = {}
    for column, benchmark in enumerate(ids):
        others = np.delete(errors, column, axis=1).mean(1)
        places = ranks(others[None])[0]
        found[benchmark] = {g.name: int(p) for g, p in zip(groups, places, strict=True)}
    return found


def agreements(mpe: Mapping[str, Estimate], without: Mapping[str, Ranks]) -> dict[str, float]:
    """Benchmark → Kendall's tau-b of the order by MPE and the order without it.

    Args:
        mpe: of the ranked groups.
        without: as `leave_one_out` says.
    """
    names = list(mpe)
    means = [mpe[name][0] for name in names]
    return {b: kendall_tau(means, [places[n] for n in names]) for b, places in without.items()}


def out_of_domain(ids: Sequence[str], groups: Sequence[Group]) -> dict[str, Estimate]:
    """The mean primary error over the benchmarks that a group was not trained on.

    Means over different benchmarks cannot be compared, so they have no ranks: the zero-shot reading
    is what compares.

    Args:
        ids: benchmarks of the board.
        groups: any; those that lack one of these benchmarks, or have none, are not in the answer.
    """
    found = {}
    for group in groups:
        other = [b for b in ids if b not in group.in_domain]
        if other and all(b in group.error for b in other):
            found[group.name] = group.mpe(other)
    return found
