"""Scores an entry on a benchmark, with its predictions made first where it was trained here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ehpsbench.evaluation.results import Result
from ehpsbench.training import cells

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store


def score(store: Store, entry: str, benchmark: str, bodies: BodySet) -> Result:
    """The stored result of an entry on a benchmark.

    Args:
        store: with the benchmark's data, and the cell or the predictions.
        entry: a finished cell, or an entry whose predictions are in the store.
        benchmark: a protocol's name, or `protocol@dataset`.
        bodies: the body set of labels and predictions.
    """
    from ehpsbench.evaluation.evaluate import evaluate

    if entry in cells.finished(store):
        from ehpsbench.training.predict import predict

        predict(store, entry, benchmark, bodies)
    return evaluate(store, entry, benchmark, bodies)
