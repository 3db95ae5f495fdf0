"""Predicted bodies of an entry + the rules of a mesh benchmark → a result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.imported import Imported, imported
from ehpsbench.evaluation.mesh import refit
from ehpsbench.evaluation.mesh.rules import MeshProtocol
from ehpsbench.evaluation.mesh.selection import TRACK, Selection, labels, select
from ehpsbench.evaluation.mesh.undefined import undefined
from ehpsbench.evaluation.numbers import of_values
from ehpsbench.evaluation.plausible import refuse_wrong_scale
from ehpsbench.evaluation.predictions import stored_batches, write_batches
from ehpsbench.evaluation.request import Request
from ehpsbench.evaluation.results import Result, result_rows
from ehpsbench.evaluation.spooled import Spooled, spooled
from ehpsbench.evaluation.summary import summarised
from ehpsbench.schema import from_arrow

if TYPE_CHECKING:
    from ehpsbench.evaluation.mesh.scoring import Errors, Part
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


@dataclass(frozen=True, slots=True)
class _Scored:
    """What a result is made of."""

    selection: Selection
    matched: _Matched
    scores: Errors
    given: Imported | None


def evaluate(store: Store, entry: str, rules: MeshProtocol, request: Request) -> Result:
    """Score an entry's predicted bodies; see `ehpsbench.evaluation.evaluate`.

    Raises:
        InputError: predictions are missing, unknown, double or broken; nobody is scored.
        BodyMismatch: predictions, labels and bodies are not of one body set.
        MissingBody: a file that the primary error needs is not there.
    """
    given = None
    if request.predictions is not None:
        given = imported(store, rules, request.predictions, request.bodies)
    batches = given.batches() if given else stored_batches(store, entry, rules.name, request.bodies)
    where = f"The predictions of {entry} on {rules.name}"
    selection = select(store, rules, request.bodies)
    with spooled(batches, store.root, where) as predictions:
        matched = _match(predictions.ids, selection, entry, rules)
        if not request.allow_missing:
            _refuse_missing(matched, selection, entry, rules)
        parts = _parts(store, rules, selection, matched, predictions)
        people = selection.people.filter(pa.array(matched.rows >= 0))
        scores = _scores(store, rules, request, people, parts)
    if given is not None:  # only now: a file that is refused changes nothing
        refuse_wrong_scale(_means(scores, rules), request.predictions)
        write_batches(store, entry, rules.name, given.batches())
    return _result(store, entry, rules, request, _Scored(selection, matched, scores, given))


def _scores(
    store: Store,
    rules: MeshProtocol,
    request: Request,
    people: pa.Table,
    parts: Iterator[Part],
) -> Errors:
    """Errors of the people who have a prediction."""
    from ehpsbench.evaluation.mesh.scoring import errors_of_parts

    count = people.num_rows
    if TRACK[0] not in people.column_names:  # then one of each kind says all
        people = people.group_by(["gender", "body_hash"]).aggregate([])
    return errors_of_parts(
        parts,
        from_arrow(people),
        rules,
        request.bodies,
        count=count,
        root=store.release_root(rules.dataset),
        device=request.device,
        progress=request.progress,
    )


def _parts(
    store: Store,
    rules: MeshProtocol,
    selection: Selection,
    matched: _Matched,
    predictions: Spooled,
) -> Iterator[Part]:
    """Labels and predictions, a few people at a time."""
    start = 0
    for table in labels(store, rules, selection):
        rows = matched.rows[start : start + table.num_rows]
        start += table.num_rows
        here = rows >= 0
        if here.any():
            yield from_arrow(table.filter(pa.array(here))), predictions.read(rows[here])


def _match(
    said: pa.ChunkedArray, selection: Selection, entry: str, rules: MeshProtocol
) -> _Matched:
    unknown = said.filter(pc.invert(pc.is_in(said, value_set=selection.split_ids)))
    if len(unknown):
        raise InputError(
            f"{entry} predicts {len(unknown)} people who are not in {rules.dataset}/{rules.split}, "
            f"for example {pc.min(unknown)}. Predict for the instance ids of this store."
        )
    rows = pc.index_in(selection.people["instance_id"], value_set=said).fill_null(-1)
    found = np.asarray(rows, np.int64)
    return _Matched(found, len(said) - int((found >= 0).sum()))


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
    store: Store, entry: str, rules: MeshProtocol, request: Request, scored: _Scored
) -> Result:
    selection, scores = scored.selection, scored.scores
    found = scored.matched.rows >= 0
    columns = {name: np.full(len(found), np.nan) for name in scores.columns}
    for name, values in scores.columns.items():
        columns[name][found] = values
    people = selection.people["instance_id"].to_pylist()
    rows = result_rows(people, _clusters(selection.people), columns)
    numbers = of_values(rows, list(columns))
    result = summarised(
        store,
        entry,
        rules,
        rows,
        numbers,
        bodies=request.bodies,
        missing=int((~found).sum()),
        unused=scored.matched.unused,
        left_out=selection.left_out,
        removed=selection.removed_by_checks,
        skipped=scores.skipped | undefined(rules, numbers),
        about=_about(scored, people),
    )
    return replace(result, points=scores.points.table())


def _means(scores: Errors, rules: MeshProtocol) -> dict[str, float]:
    """The mean of each error that does not tell where people stand [mm]."""
    names = [c for e in rules.errors if e.unit == "mm" and e.root != "camera" for c in e.columns]
    known = {n: v[np.isfinite(v)] for n, v in scores.columns.items() if n in names}
    return {name: float(values.mean()) for name, values in known.items() if len(values)}


def _about(scored: _Scored, people: list[str]) -> dict[str, Any]:
    """What else there is to say of the predictions and the truth."""
    notes = list(scored.given.notes if scored.given else ())
    if scored.scores.residual is None:
        return {"notes": notes}
    known = [one for one, row in zip(people, scored.matched.rows, strict=True) if row >= 0]
    refits = refit.told(scored.scores.residual, known)
    return {"notes": [*notes, *refit.note(refits)], "refits": refits}


def _clusters(people: pa.Table) -> list[str]:
    """What a bootstrap resamples for each person: the recording, else the image."""
    clusters = people["cluster"].cast(pa.string()).to_pylist()
    images = people["image_id"].to_pylist()
    return [i if c is None else c for c, i in zip(clusters, images, strict=True)]
