"""Predicted bodies of an entry + the rules of a mesh benchmark → a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.imported import imported
from ehpsbench.evaluation.mesh.rules import MeshProtocol
from ehpsbench.evaluation.mesh.selection import Selection, select
from ehpsbench.evaluation.numbers import of_values
from ehpsbench.evaluation.predictions import parameters, read_predictions, write_table
from ehpsbench.evaluation.request import Request
from ehpsbench.evaluation.results import Result, result_rows
from ehpsbench.evaluation.summary import summarised
from ehpsbench.schema import from_arrow

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.evaluation.mesh.scoring import Errors
    from ehpsbench.store import Store


@dataclass(frozen=True, slots=True)
class _Matched:
    """Which prediction belongs to whom.

    Attributes:
        rows: (N,) row of each scored person's prediction; −1 where there is none.
        unused: predictions of people of the split who are not scored.
    """

    rows: NDArray[np.int64]
    unused: int


def evaluate(store: Store, entry: str, rules: MeshProtocol, request: Request) -> Result:
    """Score an entry's predicted bodies; see `ehpsbench.evaluation.evaluate`.

    Raises:
        InputError: predictions are missing, unknown, double or broken; nobody is scored.
        BodyMismatch: predictions, labels and bodies are not of one body set.
        MissingBody: a file that the primary error needs is not there.
    """
    from ehpsbench.evaluation.mesh.scoring import errors

    bodies = request.bodies
    given = None
    if request.predictions is not None:
        given = imported(store, rules, request.predictions, bodies)
    predictions = given.table if given else read_predictions(store, entry, rules.name, bodies)
    selection = select(store, rules, bodies)
    matched = _match(predictions, selection, entry, rules)
    if not request.allow_missing:
        _refuse_missing(matched, selection, entry, rules)
    found = matched.rows >= 0
    people = from_arrow(selection.people.filter(pa.array(found)))
    said = parameters(predictions.take(pa.array(matched.rows[found])))
    scores = errors(
        people,
        said,
        rules,
        bodies,
        root=store.release_root(rules.dataset),
        device=request.device,
        progress=request.progress,
    )
    if given is not None:  # only now: a file that is refused changes nothing
        write_table(store, entry, rules.name, given.table)
    notes = given.notes if given else ()
    return _result(store, entry, rules, bodies, selection, matched, scores, notes)


def _match(
    predictions: pa.Table, selection: Selection, entry: str, rules: MeshProtocol
) -> _Matched:
    said = {name: i for i, name in enumerate(predictions["instance_id"].to_pylist())}
    if unknown := sorted(set(said) - selection.split_ids):
        raise InputError(
            f"{entry} predicts {len(unknown)} people who are not in {rules.dataset}/{rules.split}, "
            f"for example {unknown[0]}. Predict for the instance ids of this store."
        )
    people = selection.people["instance_id"].to_pylist()
    rows = np.asarray([said.get(person, -1) for person in people], np.int64)
    return _Matched(rows, len(said) - int((rows >= 0).sum()))


def _refuse_missing(
    matched: _Matched, selection: Selection, entry: str, rules: MeshProtocol
) -> None:
    missing = np.flatnonzero(matched.rows < 0)
    if len(missing):
        example = selection.people["instance_id"][int(missing[0])]
        raise InputError(
            f"{entry} has no prediction for {len(missing)} of the {len(matched.rows)} people whom "
            f"{rules.name} scores, for example {example}. Predict all of them; to score an "
            "incomplete entry all the same, give --allow-missing."
        )


def _result(
    store: Store,
    entry: str,
    rules: MeshProtocol,
    bodies: BodySet,
    selection: Selection,
    matched: _Matched,
    scores: Errors,
    notes: Sequence[str],
) -> Result:
    found = matched.rows >= 0
    columns = {name: np.full(len(found), np.nan) for name in scores.columns}
    for name, values in scores.columns.items():
        columns[name][found] = values
    people = selection.people["instance_id"].to_pylist()
    rows = result_rows(people, _clusters(selection.people), columns)
    return summarised(
        store,
        entry,
        rules,
        bodies,
        rows,
        of_values(rows, list(columns)),
        missing=int((~found).sum()),
        unused=matched.unused,
        left_out=selection.left_out,
        removed=selection.removed_by_checks,
        skipped=scores.skipped,
        about={"notes": list(notes)},
    )


def _clusters(people: pa.Table) -> list[str]:
    """What a bootstrap resamples for each person: the recording, else the image."""
    clusters = people["cluster"].cast(pa.string()).to_pylist()
    images = people["image_id"].to_pylist()
    return [i if c is None else c for c, i in zip(clusters, images, strict=True)]
