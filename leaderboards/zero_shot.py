"""The zero-shot reading: errors against the median of the cells that never saw the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ehpsbench.leaderboards.groups import Estimate, Group


def is_zero_shot_cell(group: Group, benchmark: str) -> bool:
    """True for a group trained here that never saw the benchmark and has a result on it."""
    return group.cell and benchmark in group.error and benchmark not in group.in_domain


def zero_shot_median(benchmark: str, groups: Sequence[Group]) -> Estimate:
    """The median error of the zero-shot cells; NaN where there are none."""
    cells = [g for g in groups if is_zero_shot_cell(g, benchmark)]
    if not cells:
        return float("nan"), np.asarray(np.nan)
    drawn = np.stack([g.samples[benchmark] for g in cells])
    return float(np.median([g.error[benchmark] for g in cells])), np.median(drawn, axis=0)


def zero_shot(groups: Sequence[Group], medians: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """The zero-shot reading of every group that has all its zero-shot benchmarks, and one at least.

    A benchmark that trained the group is left out of its mean; taking the median off each other
    one keeps means over different benchmarks comparable.
    """
    result = {}
    for group in groups:
        own = [b for b in medians if b not in group.in_domain and np.isfinite(medians[b][0])]
        if own and all(b in group.error for b in own):
            point = np.mean([group.error[b] - medians[b][0] for b in own])
            drawn = np.mean([group.samples[b] - medians[b][1] for b in own], axis=0)
            result[group.name] = (float(point), drawn)
    return result
