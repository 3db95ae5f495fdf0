"""Where errors are: the primary error of a result by what is known of each person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ehpsbench.evaluation.numbers import Number, of_values
from ehpsbench.geometry import rotation_matrix
from ehpsbench.schema import Columns, from_arrow, present

if TYPE_CHECKING:
    from ehpsbench.store import Store

NEEDED = ("instance_id", "occlusion", "truncation", "gender", "subject_gender", "bbox", "body_pose")
SHARES = ((0.0, 0.1, "under 10 %"), (0.1, 0.5, "10 to 50 %"), (0.5, np.inf, "50 % and more"))
HEIGHTS = (
    (0.0, 100.0, "under 100 px"),
    (100.0, 200.0, "100 to 200 px"),
    (200.0, 400.0, "200 to 400 px"),
    (400.0, np.inf, "400 px and more"),
)
POSE_CLUSTERS = 6
ROUNDS = 20

Labels = NDArray[np.object_]


def slices(
    store: Store, dataset: str, split: str, rows: pa.Table, column: str
) -> dict[str, dict[str, Number]]:
    """The mean of an error in parts of the people, with intervals over clusters.

    Occlusion and truncation are the owners' shares, size is the longer side of the tight box,
    gender the subject's, or the body's where the subject's is not known; pose clusters group the
    true poses (k-means on rotation matrices, largest first, named by the person in the middle).

    Args:
        store: with the people.
        dataset: theirs.
        split: theirs.
        rows: of a result, with `instance_id` and `cluster`.
        column: the error.

    Returns:
        slice → part → number; slices of which nothing is known are not there.
    """
    people = store.instances(dataset, split, NEEDED)
    place = {name: i for i, name in enumerate(people["instance_id"].to_pylist())}
    order = pa.array([place[name] for name in rows["instance_id"].to_pylist()])
    columns = from_arrow(people.take(order))
    found = {}
    for name, labels in _labelled(columns):
        parts = [part for part in dict.fromkeys(labels) if part is not None]
        if parts:
            found[name] = {
                part: of_values(rows.filter(pa.array(labels == part)), [column])[column]
                for part in sorted(parts, key=_order)
            }
    return found


def _labelled(columns: Columns) -> Iterator[tuple[str, Labels]]:
    """(slice, (N,) part of each person; None where it is not known)."""
    for name in ("occlusion", "truncation"):
        if name in columns:
            yield name, _binned(columns[name], SHARES)
    yield "gender", _gender(columns)
    if "bbox" in columns:
        longer = np.ma.getdata(columns["bbox"])[:, 2:].max(1)
        here = present(columns["bbox"])
        yield "size", _binned(np.ma.MaskedArray(longer, ~here), HEIGHTS)
    if "body_pose" in columns:
        yield "pose", _pose_clusters(columns)


def _order(part: str) -> tuple[int, str]:
    """Bins in their order, other parts by name."""
    names = [name for _, _, name in (*SHARES, *HEIGHTS)]
    return (names.index(part) if part in names else len(names), part)


def _binned(values: Any, bins: tuple[tuple[float, float, str], ...]) -> Labels:
    labels = np.full(len(values), None, object)
    data = np.ma.getdata(values).astype(np.float64)
    for low, high, name in bins:
        labels[present(values) & (data >= low) & (data < high)] = name
    return labels


def _gender(columns: Columns) -> Labels:
    labels = np.asarray(columns["gender"], object).copy()
    if "subject_gender" in columns:
        said = np.asarray(columns["subject_gender"], object)
        labels = np.where(present(columns["subject_gender"]), said, labels)
    return labels


def _pose_clusters(columns: Columns) -> Labels:
    """Largest cluster first; each is named by its number and its most central person."""
    labels = np.full(len(columns["instance_id"]), None, object)
    known = np.flatnonzero(present(columns["body_pose"]))
    if len(known) < 2 * POSE_CLUSTERS:
        return labels
    vectors = np.ma.getdata(columns["body_pose"])[known].reshape(-1, 3)
    points = rotation_matrix(vectors).reshape(len(known), -1)
    cluster, distance = _k_means(points)
    sizes = np.bincount(cluster, minlength=POSE_CLUSTERS)
    for number, which in enumerate(np.argsort(-sizes, kind="stable"), start=1):
        members = np.flatnonzero(cluster == which)
        if len(members):
            middle = columns["instance_id"][known[members[np.argmin(distance[members])]]]
            labels[known[members]] = f"pose {number}, like {middle}"
    return labels


def _k_means(points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(N,) cluster and squared distance to its centre; starts from points far from one another."""
    centres = points[[int(((points - points.mean(0)) ** 2).sum(1).argmin())]]
    for _ in range(POSE_CLUSTERS - 1):
        nearest = _squared_distances(points, centres).min(1)
        centres = np.concatenate([centres, points[[int(nearest.argmax())]]])
    for _ in range(ROUNDS):
        cluster = _squared_distances(points, centres).argmin(1)
        for i in range(POSE_CLUSTERS):
            if (cluster == i).any():
                centres[i] = points[cluster == i].mean(0)
    squared = _squared_distances(points, centres)
    return np.asarray(squared.argmin(1)), np.asarray(squared.min(1))


def _squared_distances(
    points: NDArray[np.float64], centres: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N, K), by the binomial formula: no array of all differences."""
    squares = (points**2).sum(1)[:, None] + (centres**2).sum(1)[None]
    return np.asarray(np.maximum(squares - 2 * points @ centres.T, 0))
