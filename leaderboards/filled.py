"""A board by name, filled from a store: everybody who has results, or those ranked last."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ehpsbench.leaderboards.board import board as find_board
from ehpsbench.leaderboards.entrants import entrants_in
from ehpsbench.leaderboards.rankings import SUFFIX, found_path, ranking
from ehpsbench.leaderboards.standings import standings
from ehpsbench.leaderboards.table import Standings

if TYPE_CHECKING:
    from ehpsbench.store import Store


def filled(store: Store, board: str, *, last: bool = False) -> Standings:
    """The standings of a board.

    Args:
        store: with results.
        board: name of a board, or a .toml file.
        last: only those of the last ranking on it, as `rank-datasets` left it.

    Raises:
        UnknownName: there is no such board, or it was never ranked.
        InputError: nobody has a result on it, or results must not meet in one table.
    """
    if last:
        return ranking(store, Path(board).stem)
    rules = find_board(board)
    return standings(store, rules, entrants_in(store, rules))


def shown(store: Store, board: str) -> Standings:
    """What a report shows of a board: the last ranking; everybody where it was never ranked.

    Args:
        store: with results.
        board: name of a board, or a .toml file.

    Raises:
        UnknownName: there is no such board.
        InputError: nobody has a result on it, or results must not meet in one table.
    """
    ranked = found_path(store, Path(board).stem, SUFFIX).is_file()
    return filled(store, board, last=ranked)
