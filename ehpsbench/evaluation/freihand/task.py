"""Predicted hands of an entry + FreiHAND's rules → a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.freihand.rules import FreihandProtocol
from ehpsbench.evaluation.freihand.submitted import Hands, submitted
from ehpsbench.evaluation.mesh.selection import check_bodies
from ehpsbench.evaluation.numbers import of_sums
from ehpsbench.evaluation.predictions import file_name
from ehpsbench.evaluation.request import Request
from ehpsbench.evaluation.results import Result, result_rows
from ehpsbench.evaluation.summary import removed_by_checks, summarised
from ehpsbench.schema import from_arrow
from ehpsbench.skeleton.sources import RIGHT_HAND_21

if TYPE_CHECKING:
    from ehpsbench.store import Store

Floats = NDArray[np.float64]
FLAGS = ("owner_valid", "right_hand_valid")
KEYPOINTS = "keypoints3d"
HAND = tuple(f"right_hand_{part}" for part in ("orient", "pose", "transl", "betas"))
CHUNK = 64  # hands at a time: the distances of all pairs of vertices are held at once


@dataclass(frozen=True, slots=True)
class _Truth:
    """The hands of a split.

    Attributes:
        table: a row for each hand that is scored, by place in the owners' lists.
        images: of the split, with labels or not.
        left_out: hands that are not scored, by reason.
    """

    table: pa.Table
    images: int
    left_out: dict[str, int]


def evaluate(store: Store, entry: str, rules: FreihandProtocol, request: Request) -> Result:
    """Score an entry's hands; see `ehpsbench.evaluation.evaluate`.

    Predictions are FreiHAND's pred.json (`ehpsbench.evaluation.freihand.submitted`), by default
    `<store>/predictions/<entry>/<benchmark>.json`. A row of the result is a hand.

    Raises:
        InputError: predictions are broken or of another number of images; nothing is labelled.
        MissingFiles: there are no predictions.
        BodyMismatch: the labels are of another body set.
    """
    from ehpsbench.metrics import freihand

    check_bodies(store, rules.dataset, request.bodies)
    truth = _truth(store, rules)
    path = request.predictions
    if path is None:
        path = store.predictions / file_name(entry) / f"{file_name(rules.name)}.json"
    said = submitted(path, truth.images, rules.name)
    statistics = _scored(truth, said, rules, request)
    columns = {name: statistics[:, i] for i, name in enumerate(freihand.COLUMNS)}
    people = truth.table["instance_id"].to_pylist()
    clusters = [c or p for c, p in zip(truth.table["cluster"].to_pylist(), people, strict=True)]
    rows = result_rows(people, clusters, columns)
    found = of_sums(rows, freihand.COLUMNS, freihand.numbers)
    undefined = {n: "meshes of another topology" for n, v in found.items() if np.isnan(v.value)}
    return summarised(
        store,
        entry,
        rules,
        rows,
        found,
        bodies=request.bodies,
        missing=0,
        unused=truth.images - len(people),
        left_out=truth.left_out,
        removed=removed_by_checks(store, rules),
        skipped=undefined,
    )


def _truth(store: Store, rules: FreihandProtocol) -> _Truth:
    """The hands that are scored, and how many images a prediction must have."""
    wanted = ["instance_id", "cluster", "source_row", "source_model", KEYPOINTS, *FLAGS, *HAND]
    table = store.instances(rules.dataset, rules.split, wanted)
    images = store.images(rules.dataset, rules.split, ["image_id"]).num_rows
    left_out: dict[str, int] = {}
    for flag in FLAGS:
        here = pc.fill_null(table[flag], False)
        if lost := table.num_rows - int(pc.sum(here).as_py() or 0):
            left_out[f"not {flag}"] = lost
        table = table.filter(here)
    if not table.num_rows:
        raise InputError(
            f"{rules.dataset}/{rules.split} has {images:,} images and no labelled right hand. "
            "FreiHAND's evaluation labels came in a package of their own; unpack it and ingest "
            "again."
        )
    places = np.asarray(table["source_row"])
    if len(np.unique(places)) < len(places):
        raise InputError(
            f"{rules.dataset}/{rules.split} has several images of one hand; {rules.name} scores a "
            "split with one image of each, such as evaluation."
        )
    return _Truth(table.take(np.argsort(places)), images, left_out)


def _scored(truth: _Truth, said: Hands, rules: FreihandProtocol, request: Request) -> Floats:
    """(N, 17) statistics of each hand, a few at a time."""
    import torch

    from ehpsbench.body.posed import posed_vertices
    from ehpsbench.metrics import freihand

    found, count = [], truth.table.num_rows
    for start in range(0, count, CHUNK):
        columns = from_arrow(truth.table.slice(start, CHUNK))
        rows = np.asarray(columns["source_row"], np.int64)
        points = np.ma.getdata(columns[KEYPOINTS]).reshape(len(rows), -1, 4)[:, RIGHT_HAND_21]
        meshes = np.stack(posed_vertices(columns, request.bodies, device=request.device))
        sides = (said.joints[rows], points[..., :3].astype(np.float64), said.vertices[rows], meshes)
        given = (torch.from_numpy(np.ascontiguousarray(x)).to(request.device) for x in sides)
        found.append(freihand.score(*given, reflect=rules.reflect).cpu().numpy())
        if request.progress is not None:
            request.progress(min(start + CHUNK, count), count)
    return np.concatenate(found)
