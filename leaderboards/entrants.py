"""Who in a store takes part in a board, in which group, and on what it was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ehpsbench.evaluation.protocol import protocol
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.entry import entry_of, in_domain, share_data
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.training import cells

if TYPE_CHECKING:
    from ehpsbench.store import Store

NOT_KNOWN = "what trained it is not known, so that nothing says where it is in-domain"


def entrants_in(store: Store, board: Board) -> dict[str, Entrant]:
    """Everybody in a store who has a result on a board and whom the board takes.

    Seeds of one training set and recipe are one group, named by the set, and by the recipe where
    the store holds several. Rungs, which were stopped by design, do not take part.

    Args:
        store: with results, and the runs of those trained here.
        board: what they are scored on.
    """
    scored = sorted(
        {p.parent.name for p in store.results.glob("*/*.json") if p.stem in board.protocols}
    )
    whole = [name for name in scored if not ("@" in name and cells.trained(store, name))]
    records = {n: cells.record(store, n) for n in whole if cells.trained(store, n)}
    recipes = {record["recipe"] for record in records.values()}
    found = {}
    for name in whole:
        record = records.get(name)
        if record is None and board.takes == "everybody":
            found[name] = _model(store, board, name)
        elif record is not None and _takes(board, record):
            group = record["dataset"] + (f" ({record['recipe']})" if len(recipes) > 1 else "")
            found[name] = entrant(store, record["parts"], board, group)
    return found


def entrant(store: Store, parts: Sequence[str], board: Board, group: str) -> Entrant:
    """A cell's group and the columns on which it is not zero-shot.

    A column is in-domain when its data come from a dataset that trained the cell, or from one that
    either card lists as overlapping.

    Args:
        store: with the datasets.
        parts: names in the store of what trained the cell.
        board: whose columns.
        group: what the cell is a seed of.
    """
    trained_on = [_source(store, part) for part in parts]
    own = (
        b.id
        for b in board.benchmarks
        if any(share_data(one, _source(store, protocol(b.protocol).dataset)) for one in trained_on)
    )
    return Entrant(group=group, in_domain=frozenset(own))


def _takes(board: Board, record: Mapping[str, Any]) -> bool:
    if board.takes == "everybody":
        return True
    return (board.takes == "single datasets") == (len(record["parts"]) == 1)


def _model(store: Store, board: Board, name: str) -> Entrant:
    """An entry that is no cell: a model, or the mean pose of a training set."""
    dataset = name.removesuffix(cells.mean_pose_entry(""))
    if dataset != name and dataset in store.datasets():
        return replace(entrant(store, [dataset], board, name), cell=False)
    facts = entry_of(store, name)
    if facts is None:
        return Entrant(name, cell=False, doubt=NOT_KNOWN)
    own = (
        b.id
        for b in board.benchmarks
        if in_domain(facts, _source(store, protocol(b.protocol).dataset))
    )
    return Entrant(name, frozenset(own), cell=False)


def _source(store: Store, dataset: str) -> str:
    """The card's name of a dataset; the dataset's own where the store does not hold it."""
    if dataset not in store.datasets():
        return dataset
    return str(store.manifest(dataset)["source_dataset"])
