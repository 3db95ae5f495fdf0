"""Detected or predicted 2D keypoints of an entry + the rules of a benchmark → a result."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.keypoints2d.rules import Detections, Keypoints2dProtocol, Shares
from ehpsbench.evaluation.keypoints2d.stored import detected, named_number
from ehpsbench.evaluation.keypoints2d.submitted import Submitted, submitted
from ehpsbench.evaluation.keypoints2d.truth import Truth, truth_of
from ehpsbench.evaluation.numbers import Number, of_statistics, of_sums
from ehpsbench.evaluation.predictions import file_name
from ehpsbench.evaluation.request import Request
from ehpsbench.evaluation.results import Result
from ehpsbench.evaluation.summary import removed_by_checks, summarised

if TYPE_CHECKING:
    from ehpsbench.metrics.keypoint_ap import Matches
    from ehpsbench.store import Store

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Made:
    """What a result is made of.

    Attributes:
        rows: images or people.
        numbers: name → number.
        missing: people without a prediction.
        unused: predictions of what is not scored.
        about: what else there is to say.
    """

    rows: pa.Table
    numbers: dict[str, Number]
    missing: int = 0
    unused: int = 0
    about: dict[str, Any] = field(default_factory=dict)


def evaluate(store: Store, entry: str, rules: Keypoints2dProtocol, request: Request) -> Result:
    """Score an entry's 2D keypoints; see `ehpsbench.evaluation.evaluate`.

    Predictions are a COCO result json (`ehpsbench.evaluation.keypoints2d.submitted`), by default
    `<store>/predictions/<entry>/<benchmark>.json`. For average precision an image without
    detections is nothing missing: its people are not found, and the rows are images. For PCK the
    rows are people, and each needs its prediction, named by `instance_id`.

    Raises:
        InputError: predictions are missing, unknown or broken, or nothing is labelled.
        MissingFiles: predictions or annotations are not there.
    """
    truth = truth_of(store, rules)
    path = request.predictions
    if path is None:
        path = store.predictions / file_name(entry) / f"{file_name(rules.name)}.json"
    said = submitted(path, truth.images, rules.joints)
    if rules.detections is not None:
        return _result(
            store, entry, rules, truth, _precision(rules.detections, request, truth, said)
        )
    if rules.pck is None:
        raise InputError(f"{rules.name} has neither [detections] nor [pck].")
    who = np.flatnonzero(~truth.left_out)
    rows, unused = _named(said, truth, who, path)
    if not request.allow_missing:
        _refuse_missing(truth.person[who], rows, entry, rules)
    made = _shares(rules.pck, truth, said, who, rows)
    return _result(store, entry, rules, truth, replace(made, unused=unused + said.unused))


def _precision(rule: Detections, request: Request, truth: Truth, said: Submitted) -> _Made:
    """Average precision, from images."""
    from ehpsbench.evaluation.keypoints2d.scoring import matched

    columns: dict[str, pa.Array] = {
        "image_id": pa.array(truth.images.ids, pa.string()),
        "cluster": pa.array(truth.images.clusters, pa.string()),
    }
    numbers: dict[str, Number] = {}
    for group in rule.groups:
        rows = matched(truth, said, group, rule, device=request.device, progress=request.progress)
        columns |= {f"{group}_{n}": values for n, values in _columns(rows).items()}
        numbers |= of_statistics(pa.table(columns), detected(rows, group))
    seen = np.bincount(said.image, minlength=len(truth.images.ids)) > 0
    about = {
        "people": int((~truth.left_out).sum()),
        "detections": len(said.image),
        "images_without_predictions": int((~seen).sum()),
    }
    return _Made(pa.table(columns), numbers, unused=said.unused, about=about)


def _columns(rows: Matches) -> dict[str, pa.Array]:
    """What an image gives, all of it: the numbers can be made again from these columns.

    `people` and `found` (at OKS .5) are plain counts; `scores` of the detections, best first, and
    `correct` and `wrong` are lists, bit 10·range + threshold of each detection.
    """
    count = len(rows.people)
    starts = np.searchsorted(rows.image.cpu().numpy(), np.arange(count + 1))
    offsets = pa.array(starts, pa.int32())
    bits = 1 << np.arange(30)
    flags = {n: getattr(rows, n).flatten(1).cpu().numpy() @ bits for n in ("correct", "wrong")}
    lists = {"scores": pa.array(rows.scores.cpu().numpy())} | {
        n: pa.array(values.astype(np.int32)) for n, values in flags.items()
    }
    found = np.bincount(
        rows.image.cpu().numpy(), rows.correct[:, 0, 0].cpu().numpy(), minlength=count
    )
    ranges = rows.people.cpu().numpy().T.astype(np.float64)
    names = ("people", "people_medium", "people_large")
    plain = {name: pa.array(values) for name, values in zip(names, ranges, strict=True)}
    made = {n: pa.ListArray.from_arrays(offsets, values) for n, values in lists.items()}
    return {**plain, "found": pa.array(found.astype(np.float64)), **made}


def _refuse_missing(
    people: NDArray[np.object_], rows: NDArray[np.int64], entry: str, rules: Keypoints2dProtocol
) -> None:
    missing = people[rows < 0]
    if len(missing):
        raise InputError(
            f"{entry} has no prediction for {len(missing)} of the {len(people)} people whom "
            f"{rules.name} scores, for example {missing[0]}. Predict all of them; to score an "
            "incomplete entry all the same, give --allow-missing."
        )


def _shares(
    rule: Shares,
    truth: Truth,
    said: Submitted,
    who: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> _Made:
    """PCK of the people `who`, each of whom the row of `rows` predicts, or none: −1."""
    from ehpsbench.metrics import pck

    columns: dict[str, Any] = {
        "instance_id": pa.array(truth.person[who], pa.string()),
        "cluster": pa.array(np.asarray(truth.images.clusters, object)[truth.image[who]]),
    }
    numbers: dict[str, Number] = {}
    names = pck.columns(truth.points.shape[1])
    for level in rule.thresholds:
        statistics = np.zeros((len(who), len(names)))
        statistics[rows >= 0] = _hits(
            said.points[rows[rows >= 0]], truth, who[rows >= 0], rule, level
        )
        name, count = f"pck_{level:g}", len(names) // 2
        made = {f"{name}_{n}": statistics[:, i] for i, n in enumerate(names[:count])}
        made |= {n: statistics[:, count + i] for i, n in enumerate(names[count:])}
        columns |= {n: pa.array(values) for n, values in made.items()}
        order = [*(f"{name}_{n}" for n in names[:count]), *names[count:]]
        numbers |= of_sums(pa.table(columns), order, partial(named_number, name, rule))
    return _Made(pa.table(columns), numbers, missing=int((rows < 0).sum()))


def _hits(said: Floats, truth: Truth, who: NDArray[np.int64], rule: Shares, level: float) -> Floats:
    """(n, K) statistics of PCK at one threshold."""
    import torch

    from ehpsbench.metrics import pck

    points = truth.points[who]
    found = pck.score(
        torch.from_numpy(said[..., :2]),
        torch.from_numpy(points[..., :2]),
        torch.from_numpy(points[..., 2] > rule.sure),
        torch.from_numpy(_sizes(truth, who, rule)),
        threshold=level,
        inclusive=rule.inclusive,
    )
    return np.asarray(found)


def _named(
    said: Submitted, truth: Truth, who: NDArray[np.int64], path: Path
) -> tuple[NDArray[np.int64], int]:
    """(N,) the row that predicts each person, −1 where none does, and how many serve nobody."""
    found: dict[str, int] = {}
    known = set(truth.person)
    for row, name in enumerate(said.person):
        if name not in known or name in found:
            raise InputError(
                f"{path}: a prediction is for the person {name!r}, who "
                + ("is predicted twice." if name in found else "is not in the benchmark. ")
                + "Give each result the instance_id of the person that it predicts."
            )
        found[name] = row
    rows = np.asarray([found.get(name, -1) for name in truth.person[who]], np.int64)
    return rows, len(found) - int((rows >= 0).sum())


def _sizes(truth: Truth, who: NDArray[np.int64], rule: Shares) -> Floats:
    """(N,) what errors of a person are measured by [px]; 0 where a torso is not labelled."""
    if rule.normaliser == "pixel":
        return np.ones(len(who))
    if rule.normaliser == "box":
        return np.asarray(truth.box[who, 2:].max(1))
    shoulder, hip = truth.points[who, 5], truth.points[who, 12]
    both = (shoulder[:, 2] > 0) & (hip[:, 2] > 0)
    return np.where(both, np.linalg.norm(shoulder[:, :2] - hip[:, :2], axis=1), 0.0)


def _result(
    store: Store,
    entry: str,
    rules: Keypoints2dProtocol,
    truth: Truth,
    made: _Made,
) -> Result:
    undefined = {n: "nobody to find" for n, v in made.numbers.items() if np.isnan(v.value)}
    return summarised(
        store,
        entry,
        rules,
        made.rows,
        made.numbers,
        missing=made.missing,
        unused=made.unused,
        left_out=truth.reasons,
        removed={} if rules.truth == "coco" else removed_by_checks(store, rules),
        skipped=undefined,
        about=made.about,
    )
