"""Scores an entry on a benchmark, with its predictions made or brought in first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ehpsbench.errors import InputError
from ehpsbench.evaluation.request import Progress
from ehpsbench.evaluation.results import Result
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
        progress: told how much is done, and of how much.

    Raises:
        InputError: a cell trained here makes its own predictions; those of a file are not its.
    """
    from ehpsbench.evaluation.evaluate import evaluate

    if entry in cells.finished(store):
        if predictions is not None:
            raise InputError(f"{entry} is a cell of this store; give --entry another name.")
        from ehpsbench.training.predict import predict

        predict(store, entry, benchmark, bodies)
    return evaluate(
        store,
        entry,
        benchmark,
        bodies,
        predictions=predictions,
        allow_missing=allow_missing,
        progress=progress,
    )
