"""Detections of an entry + the rules of AGORA's benchmark → a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ehpsbench.evaluation.agora.images import Images, images_of
from ehpsbench.evaluation.agora.people import People, people_of
from ehpsbench.evaluation.agora.rules import AgoraProtocol
from ehpsbench.evaluation.mesh.selection import check_bodies
from ehpsbench.evaluation.numbers import Number, of_sums
from ehpsbench.evaluation.plausible import refuse_wrong_scale
from ehpsbench.evaluation.predictions import write_batches
from ehpsbench.evaluation.request import Request
from ehpsbench.evaluation.results import Result, result_rows
from ehpsbench.evaluation.summary import summarised
from ehpsbench.metrics.agora_columns import COLUMNS, ERRORS
from ehpsbench.schema import from_arrow

if TYPE_CHECKING:
    from ehpsbench.evaluation.agora.detections import Detections
    from ehpsbench.store import Store

CHUNK = 16  # images at a time: about 300 people and 150 MB with the licensed mesh
EXTRA = "false-positives"


@dataclass(frozen=True, slots=True)
class _Scores:
    """All people and images of a benchmark.

    Attributes:
        images: M of them.
        people: N of them.
        errors: (N, 8) of each person [mm]; NaN for who is not found.
        false_positives: (M,) of each image.
        detections: (M,) of each image.
    """

    images: Images
    people: People
    errors: NDArray[np.float64]
    false_positives: NDArray[np.int64]
    detections: NDArray[np.int64]


def evaluate(store: Store, entry: str, rules: AgoraProtocol, request: Request) -> Result:
    """Score an entry's detections; see `ehpsbench.evaluation.evaluate`.

    Nothing is ever missing: who is not detected is missed, which the numbers tell. The rows are
    the people who count and, with the id image_id/false-positives, every scored image.

    Raises:
        InputError: predictions are unknown or broken, or the split has no labels.
        BodyMismatch: predictions, labels and bodies are not of one body set.
        MissingBody: a list of vertices or a model is not there.
    """
    from ehpsbench.evaluation.agora.detections import detections_of, imported_rows

    check_bodies(store, rules.dataset, request.bodies)
    images = images_of(store, rules)
    people = people_of(store, rules, images)
    given = imported_rows(store, rules, request.predictions, request.bodies)
    detections = detections_of(store, entry, rules, request, images, given=given)
    scores = _scored(store, rules, request, images=images, people=people, detections=detections)
    found = _result(store, entry, rules, request, scores, notes=given.notes if given else ())
    if request.predictions is not None:
        refuse_wrong_scale({n: found.number(n) for n in ERRORS}, request.predictions)
    if given is not None:  # only now: a file that is refused changes nothing
        write_batches(store, entry, rules.name, given.batches())
    return found


def _scored(
    store: Store,
    rules: AgoraProtocol,
    request: Request,
    *,
    images: Images,
    people: People,
    detections: Detections,
) -> _Scores:
    """Compare a few images at a time."""
    from ehpsbench.evaluation.agora.posed import posed
    from ehpsbench.evaluation.agora.scoring import compared, part_ids

    ids, root = part_ids(request.bodies), store.release_root(rules.dataset)
    errors = np.full((len(people.image), len(ERRORS)), np.nan)
    extra = np.zeros(len(images.ids), np.int64)
    count = len(images.ids)
    for start in range(0, count, CHUNK):
        rows = range(start, min(start + CHUNK, count))
        here = slice(*np.searchsorted(people.image, [rows.start, rows.stop]))
        part = from_arrow(people.table.slice(here.start, here.stop - here.start))
        true = posed(part, people.image[here], images, request.bodies, root=root)
        said = detections.read([row for row in rows if images.scored[row]])
        found = compared(
            said,
            true,
            people.matchable[here],
            rows,
            ids,
            least_iou=rules.least_iou,
            device=request.device,
        )
        errors[here], extra[rows.start : rows.stop] = found.errors, found.false_positives
        if request.progress is not None:
            request.progress(rows.stop, count)
    return _Scores(images, people, errors, extra, detections.counts())


def _result(
    store: Store,
    entry: str,
    rules: AgoraProtocol,
    request: Request,
    scores: _Scores,
    *,
    notes: Sequence[str],
) -> Result:
    from ehpsbench.metrics import agora

    images, people = scores.images, scores.people
    rows = _rows(images, people, scores)
    numbers = of_sums(rows, COLUMNS, partial(agora.numbers, variant=rules.variant))
    seen = scores.detections > 0
    about: dict[str, Any] = {
        "scored": int(people.counted.sum()),
        "images": int(images.scored.sum()),
        "images_without_predictions": int((images.scored & ~seen).sum()),
        "detections": int(scores.detections[images.scored].sum()),
        "false_positives": int(scores.false_positives.sum()),
        "notes": list(notes),
        "people_missed": int((people.counted & np.isnan(scores.errors[:, 0])).sum()),
    }
    result = summarised(
        store,
        entry,
        rules,
        rows,
        numbers,
        bodies=request.bodies,
        missing=0,
        unused=int(scores.detections[~images.scored].sum()),
        left_out=people.left_out,
        removed=people.removed,
        skipped=_undefined(numbers, people),
        about=about,
    )
    return replace(result, number_of=partial(_primary, rules=rules))


def _undefined(numbers: Mapping[str, Number], people: People) -> dict[str, str]:
    """Name → reason of each number that is not defined."""
    children = bool((people.kid & people.counted).any())
    found = {"kid_": "no child was found" if children else "no child is scored"}
    return {
        name: found.get(name[: len("kid_")], "nobody was found")
        for name, number in numbers.items()
        if np.isnan(number.value)
    }


def _primary(rows: pa.Table, rules: AgoraProtocol) -> Number:
    """The primary number of some people: whatever image they are in, it has no false positives."""
    from ehpsbench.metrics.agora import numbers

    return of_sums(rows, COLUMNS, partial(numbers, variant=rules.variant))[rules.primary]


def _rows(images: Images, people: People, scores: _Scores) -> pa.Table:
    """A row of statistics for each person who counts and for each scored image."""
    import torch

    from ehpsbench.metrics.agora import score

    who, where = np.flatnonzero(people.counted), np.flatnonzero(images.scored)
    errors = np.concatenate([scores.errors[who], np.full((len(where), len(ERRORS)), np.nan)])
    image = np.concatenate([people.image[who], where])
    person = np.arange(len(image)) < len(who)
    kid = np.concatenate([people.kid[who], np.zeros(len(where), bool)])
    extra = np.concatenate([np.zeros(len(who), np.int64), scores.false_positives[where]])
    statistics = score(
        torch.from_numpy(errors),
        found=torch.from_numpy(np.isfinite(errors[:, 0])),
        looked_at=torch.from_numpy(scores.detections[image] > 0),
        kid=torch.from_numpy(kid),
        counted=torch.from_numpy(person),
        false_positives=torch.from_numpy(extra),
    ).numpy()
    ids = people.table["instance_id"].take(pa.array(who)).to_pylist()
    ids += [f"{name}/{EXTRA}" for name in images.ids[where]]
    columns = {name: statistics[:, i] for i, name in enumerate(COLUMNS)}
    return result_rows(ids, images.clusters[image].tolist(), columns)
