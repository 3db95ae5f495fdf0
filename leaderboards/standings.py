"""Results of a store → a filled-in board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ehpsbench.errors import BodyMismatch, InputError, UnknownName
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.evaluation.results import (
    comparison_key,
    error_columns,
    has_result,
    read_result,
    read_summary,
)
from ehpsbench.leaderboards.board import Board, BoardBenchmark
from ehpsbench.leaderboards.groups import Entrant, ErrorRows
from ehpsbench.leaderboards.marks import judged
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.leaderboards.table import Standings

if TYPE_CHECKING:
    from ehpsbench.store import Store

Summaries = Mapping[str, Mapping[str, Any]]


def entries(store: Store) -> list[str]:
    """Who has a result on any benchmark."""
    return sorted({path.parent.name for path in store.results.glob("*/*.json")})


def standings(
    store: Store,
    board: Board,
    entrants: Mapping[str, Entrant] | None = None,
    *,
    samples: int = 2000,
    seed: int = 0,
) -> Standings:
    """Rank the entries of a store on a board; marks say what their runs give reason to doubt.

    Args:
        store: with results, and the runs of those trained here.
        board: what they are ranked on.
        entrants: who takes part, in which group; None: everybody who has a result, alone.
        samples: resamples of the bootstrap.
        seed: of its random numbers.

    Raises:
        InputError: nobody has a result, or results were made by other rules or on other people.
        BodyMismatch: results of two body sets.
    """
    known = {e: Entrant(e, cell=False) for e in entries(store)} if entrants is None else entrants
    found = {entry: primary_errors(store, board, entry) for entry in known}
    if not any(found.values()):
        raise InputError(
            f"Nobody in {store.root} has a result on a benchmark of the board {board.name} "
            f"({', '.join(board.ids)}). Evaluate first."
        )
    summaries = {
        b: {e: read_summary(store, e, b) for e in found if b in found[e]} for b in board.ids
    }
    _one_body_set(summaries)
    for benchmark in board.ids:
        _comparable(benchmark, summaries[benchmark])
    trained = {entrant.group for entrant in known.values() if entrant.cell}
    ranked = rank(found, board, entrants=known, samples=samples, seed=seed)
    return judged(store, ranked, trained)


def primary_errors(store: Store, board: Board, entry: str) -> dict[str, ErrorRows]:
    """Benchmark → primary errors of an entry; those without a complete result are not there."""
    found = {}
    for benchmark in board.benchmarks:
        if has_result(store, entry, benchmark.id):
            result = read_result(store, entry, benchmark.id)
            if result.summary["complete"]:
                found[benchmark.id] = _error_rows(result.rows, benchmark)
    return found


def _error_rows(rows: Any, benchmark: BoardBenchmark) -> ErrorRows:
    if benchmark.primary not in rows.column_names:
        raise UnknownName.of(f"error on {benchmark.id}", benchmark.primary, error_columns(rows))
    return ErrorRows(
        np.asarray(rows["instance_id"].to_pylist(), str),
        np.asarray(rows["cluster"].to_pylist(), str),
        np.asarray(rows[benchmark.primary], np.float64),
    )


def _one_body_set(summaries: Mapping[str, Summaries]) -> None:
    """Refuse a table of two body sets, on one benchmark or over several."""
    sets = {
        str(summary["body_set"]): f"{entry} on {benchmark}"
        for benchmark, found in summaries.items()
        for entry, summary in found.items()
        if summary["body_set"] is not None
    }
    if len(sets) > 1:
        (one, first), (other, second) = sorted(sets.items())[:2]
        raise BodyMismatch(
            f"{first} was scored with the body set {one}, {second} with {other}. Numbers of two "
            "body sets do not meet in one table; evaluate all with one."
        )


def _comparable(benchmark: str, summaries: Summaries) -> None:
    """Refuse numbers on one benchmark that must not stand in one column."""
    rules = protocol(benchmark).hash
    for entry, summary in summaries.items():
        if summary["protocol_hash"] != rules:
            raise InputError(
                f"{entry} was scored on {benchmark} by the protocol {summary['protocol_hash'][:12]}"
                f" (version {summary['protocol_version']}), today's is {rules[:12]}. Evaluate it "
                "again."
            )
    keys = {comparison_key(s): entry for entry, s in summaries.items()}
    if len(keys) > 1:
        raise InputError(
            f"{benchmark}: {' and '.join(sorted(keys.values())[:2])} were scored on different "
            "states of the data. Evaluate both again."
        )
