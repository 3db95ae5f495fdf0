"""What entries are ordered by: the mean of their numbers over benchmarks, or of their ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ehpsbench.leaderboards.board import SIGN, Board
from ehpsbench.leaderboards.bootstrap import ranks
from ehpsbench.leaderboards.groups import Estimate, Group
from ehpsbench.resampling import Floats


def sign(board: Board) -> float:
    """1 where the order's number is better lower, −1 where higher."""
    return SIGN[board.direction]


def overall(board: Board, groups: Sequence[Group]) -> dict[str, Estimate]:
    """The order's number of groups and its resamples.

    Args:
        board: what counts, and how.
        groups: those that have all that counts; a mean rank is among them.
    """
    if not groups:
        return {}
    ids = board.counted
    point = combined(board, ids, np.asarray([[[g.error[b] for b in ids] for g in groups]]))[0]
    drawn = np.stack([np.stack([g.samples[b] for b in ids], axis=1) for g in groups], axis=1)
    resampled = combined(board, ids, drawn)
    return {g.name: (float(point[i]), resampled[:, i]) for i, g in enumerate(groups)}


def combined(board: Board, ids: Sequence[str], values: Floats) -> Floats:
    """The order's number from those of some columns.

    Args:
        board: how columns are combined.
        ids: (B,) columns.
        values: (S, G, B) numbers of G groups.

    Returns:
        (S, G).
    """
    if board.order == "mean":
        return np.asarray(values.mean(-1))
    ways = {b.id: SIGN[b.direction] for b in board.benchmarks}
    places = [ranks(ways[name] * values[..., i]) for i, name in enumerate(ids)]
    return np.asarray(np.mean(places, axis=0, dtype=np.float64))


def better_first(board: Board, found: Mapping[str, Estimate]) -> dict[str, float]:
    """Name → the order's number, such that a lower one is better."""
    return {name: sign(board) * point for name, (point, _) in found.items()}
