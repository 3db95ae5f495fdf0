"""Which entries a ranking is of, kept in the store; its numbers are always worked out anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ehpsbench.atomic import write_text
from ehpsbench.errors import StoreError, UnknownName
from ehpsbench.leaderboards.board import RENAMED, Board
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.standings import standings
from ehpsbench.leaderboards.table import Standings

if TYPE_CHECKING:
    from ehpsbench.store import Store

SUFFIX = ".ranking.json"


def ranking_path(store: Store, board: str) -> Path:
    """Where the entries of a board's ranking are kept."""
    return store.reports / f"{board}{SUFFIX}"


def save_ranking(store: Store, board: Board, entrants: Mapping[str, Entrant]) -> Path:
    """Keep a board and who is ranked on it; the last ranking of a board replaces the one before."""
    record = {
        "board": board.model_dump(mode="json"),
        "entrants": {
            name: {"group": e.group, "in_domain": sorted(e.in_domain), "cell": e.cell}
            for name, e in entrants.items()
        },
    }
    path = ranking_path(store, board.name)
    write_text(path, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return path


def ranking(store: Store, board: str) -> Standings:
    """The standings of a board as they follow from the results in the store.

    Raises:
        UnknownName: the board was not ranked in this store.
        StoreError: the record is broken.
    """
    path = found_path(store, board, SUFFIX)
    if not path.is_file():
        raise _not_ranked(store, board)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        entrants = {
            name: Entrant(e["group"], frozenset(e["in_domain"]), e["cell"])
            for name, e in record["entrants"].items()
        }
        then: dict[str, Any] = record["board"]
        board_then = Board.model_validate(then | {"name": RENAMED.get(then["name"], then["name"])})
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is broken ({error}). Rank again.") from error
    return standings(store, board_then, entrants)


def ranked_boards(store: Store) -> list[str]:
    """The boards that were ranked in a store, by their names of today: the latest ranking first.

    Raises:
        StoreError: there is none.
    """
    paths = sorted(store.reports.glob(f"*{SUFFIX}"), key=lambda p: (-p.stat().st_mtime, p.name))
    names = [p.name.removesuffix(SUFFIX) for p in paths]
    if not names:
        raise _not_ranked(store, "")
    return list(dict.fromkeys(RENAMED.get(name, name) for name in names))


def found_path(store: Store, board: str, suffix: str) -> Path:
    """Where the store keeps something of a board, be it under the board's former name."""
    path = store.reports / f"{board}{suffix}"
    former = [old for old, new in RENAMED.items() if new == board]
    names = [store.reports / f"{old}{suffix}" for old in former]
    return path if path.is_file() else next((p for p in names if p.is_file()), path)


def _not_ranked(store: Store, board: str) -> StoreError | UnknownName:
    if board in RENAMED:
        return UnknownName(f"The board {board} is now called {RENAMED[board]}.")
    known = {p.name.removesuffix(SUFFIX) for p in store.reports.glob(f"*{SUFFIX}")}
    if not known:
        return StoreError(
            f"Nothing was ranked in the store {store.root} yet. Rank first: ehpsbench "
            "rank-datasets DATASET DATASET …"
        )
    return UnknownName.of("ranked board", board, {RENAMED.get(name, name) for name in known})
