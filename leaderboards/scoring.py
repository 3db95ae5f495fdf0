"""Scores an entry on a benchmark, with its predictions made or brought in first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ehpsbench.devices import device_named
from ehpsbench.errors import InputError
from ehpsbench.evaluation.predictions import predictions_path
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.evaluation.request import Progress
from ehpsbench.evaluation.results import Result
from ehpsbench.leaderboards.board import Board
from ehpsbench.training import cells

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store


def score(
    store: Store,
    entry: str,
    benchmark: str,
    bodies: BodySet,
    *,
    predictions: Path | None = None,
    allow_missing: bool = False,
    device: str | None = None,
    progress: Progress | None = None,
) -> Result:
    """The stored result of an entry on a benchmark.

    Args:
        store: with the benchmark's data, and the cell or the predictions.
        entry: a finished cell, or an entry whose predictions are in the store or in a file.
        benchmark: a protocol's name, or `protocol@dataset`.
        bodies: the body set of labels and predictions.
        predictions: file or folder of somebody's predictions.
        allow_missing: score an entry that lacks people.
        device: where to predict and compare; None: a cell predicts on a GPU where there is one,
            and what it says is compared on the CPU.
        progress: told how much is done, and of how much.

    Raises:
        InputError: a cell trained here makes its own predictions; those of a file are not its.
    """
    from ehpsbench.evaluation.evaluate import evaluate

    if cells.trained(store, entry):
        if predictions is not None:
            raise InputError(f"{entry} is a cell of this store; give --entry another name.")
        from ehpsbench.training.predict import predict

        predict(store, entry, benchmark, bodies, device=device and device_named(device))
    return evaluate(
        store,
        entry,
        benchmark,
        bodies,
        predictions=predictions,
        allow_missing=allow_missing,
        device=device or "cpu",
        progress=progress,
    )


def benchmarks_of(
    store: Store, entry: str, board: Board, *, partial: bool = False
) -> tuple[str, ...]:
    """The benchmarks of a board that an entry can be scored on.

    Args:
        store: with data, cells and predictions.
        entry: who.
        board: on what.
        partial: leave out what cannot be scored.

    Raises:
        InputError: a benchmark cannot be scored, or none can; says which, and for want of what.
    """
    cell = cells.trained(store, entry)
    lacking = {b: why for b in board.protocols if (why := _lacks(store, entry, b, cell))}
    needed = [b for b in lacking if b in board.needed]  # what is only shown may be absent
    if lacking and ((bool(needed) and not partial) or len(lacking) == len(board.protocols)):
        words = "; ".join(f"{b}: {why}" for b, why in lacking.items())
        raise InputError(
            f"{entry} cannot be scored on all of {board.name}. {words}. --partial scores the rest."
        )
    return tuple(b for b in board.protocols if b not in lacking)


def _lacks(store: Store, entry: str, benchmark: str, cell: bool) -> str:
    """What is missing to score an entry on a benchmark; empty if nothing is."""
    dataset = protocol(benchmark).dataset
    if dataset not in store.datasets():
        return f"{dataset} is not in the store"
    path = predictions_path(store, entry, benchmark)
    places = (path, path.with_suffix(".json"), path.with_suffix(""))  # people, keypoints, maps
    if not cell and not any(place.exists() for place in places):
        return "no predictions"
    return ""
