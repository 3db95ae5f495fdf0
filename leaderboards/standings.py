"""Results of a store → a filled-in board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ehpsbench.errors import BodyMismatch, InputError, UnknownName
from ehpsbench.evaluation.protocol import Protocol, protocol
from ehpsbench.evaluation.results import (
    error_columns,
    has_result,
    identity_column,
    read_result,
)
from ehpsbench.evaluation.stored import statistics_of
from ehpsbench.leaderboards.board import Board, columns_of
from ehpsbench.leaderboards.drawn import ErrorRows, NumberRows, Rows
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.marks import judged
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.leaderboards.table import Standing, Standings

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
    columns = columns_of(board)
    scored = {entry: _scored(store, board, entry) for entry in known}
    found = {entry: own.numbers for entry, own in scored.items()}
    if not any(found.values()):
        who = (
            "Nobody" if board.takes == "everybody" else f"No cell of those it takes ({board.takes})"
        )
        raise InputError(
            f"{who} in {store.root} has a result on a benchmark of the board {board.name} "
            f"({', '.join(board.protocols)}). Evaluate first."
        )
    summaries = {
        p: {e: own.summaries[p] for e, own in scored.items() if p in own.summaries}
        for p in board.protocols
    }
    body_set = check_body_sets(board, summaries)
    said = [line for p in board.protocols for line in check_comparable(board, p, summaries[p])]
    trained = {entrant.group for entrant in known.values() if entrant.cell}
    ranked = rank(found, board, entrants=known, columns=columns, samples=samples, seed=seed)
    hashes = {p: protocol(p).hash for p in board.protocols}
    facts = tuple(replace(f, protocol_hash=hashes[f.protocol]) for f in ranked.benchmarks)
    remarks = (*said, *ranked.remarks)
    rows = tuple(replace(r, marks=(*_doubts(r, known), *r.marks)) for r in ranked.rows)
    ranked = replace(ranked, benchmarks=facts, rows=rows, remarks=remarks, body_set=body_set)
    return judged(store, ranked, trained)


def _doubts(row: Standing, known: Mapping[str, Entrant]) -> list[str]:
    return list(dict.fromkeys(doubt for e in row.entries if (doubt := known[e].doubt)))


@dataclass(frozen=True, slots=True)
class _Scored:
    """An entry's complete results on a board: column → rows, protocol → summary."""

    numbers: dict[str, Rows]
    summaries: dict[str, dict[str, Any]]


def _scored(store: Store, board: Board, entry: str) -> _Scored:
    found = _Scored({}, {})
    for name in board.protocols:
        if not has_result(store, entry, name):
            continue
        result = read_result(store, entry, name)
        if result.summary["complete"]:
            found.summaries[name] = result.summary
            for b in board.benchmarks:
                if b.protocol == name:
                    found.numbers[b.id] = number_rows(result.rows, protocol(name), b.primary)
    return found


def primary_numbers(store: Store, board: Board, entry: str) -> dict[str, Rows]:
    """Column → what an entry's number is made of; columns without a complete result are not there.

    Raises:
        UnknownName: a result has no such number.
    """
    return _scored(store, board, entry).numbers


def number_rows(rows: pa.Table, rules: Protocol, primary: str) -> Rows:
    """What a number of a result is made of, to be drawn again.

    Raises:
        UnknownName: the result has no such number.
    """
    who = np.asarray(rows[identity_column(rows)].to_pylist(), str)
    clusters = np.asarray(rows["cluster"].to_pylist(), str)
    if rules.task != "mesh":
        return NumberRows.of(who, clusters, statistics_of(rules, rows, primary), primary)
    if primary not in rows.column_names:
        raise UnknownName.of(f"error on {rules.name}", primary, error_columns(rows))
    return ErrorRows(who, clusters, np.asarray(rows[primary], np.float64))


def check_body_sets(board: Board, summaries: Mapping[str, Summaries]) -> str:
    """The one body set of a table, or several with commas where the board lets them meet.

    Raises:
        BodyMismatch: there are two, on one benchmark or over several.
    """
    sets = {
        str(summary["body_set"]): f"{entry} on {benchmark}"
        for benchmark, found in summaries.items()
        for entry, summary in found.items()
        if summary["body_set"] is not None
    }
    if len(sets) > 1 and "body_set" in board.never_mix:
        (one, first), (other, second) = sorted(sets.items())[:2]
        raise BodyMismatch(
            f"{first} was scored with the body set {one}, {second} with {other}. Numbers of two "
            "body sets do not meet in one table; evaluate all with one."
        )
    return ", ".join(sorted(sets))


def check_comparable(board: Board, benchmark: str, summaries: Summaries) -> list[str]:
    """What must be said of numbers on one benchmark that stand in one column.

    Raises:
        InputError: they were made by other rules, or on other people.
    """
    rules = protocol(benchmark).hash
    old = {e: s for e, s in summaries.items() if s["protocol_hash"] != rules}
    if old and "protocol_hash" in board.never_mix:
        entry, summary = next(iter(old.items()))
        raise InputError(
            f"{entry} was scored on {benchmark} by the protocol {summary['protocol_hash'][:12]}"
            f" (version {summary['protocol_version']}), today's is {rules[:12]}. Evaluate it "
            "again."
        )
    states = {str(s["data"]): e for e, s in summaries.items()}
    if len(states) > 1:
        (one, first), (other, second) = sorted(states.items(), key=lambda state: state[1])[:2]
        raise InputError(
            f"{benchmark}: {first} and {second} were scored on different states of the data "
            f"({one[:12]} and {other[:12]}). Evaluate both again."
        )
    return [f"{benchmark}: {', '.join(sorted(old))} by another version of the rules"] if old else []
