"""Where errors are: the primary number of a result by what is known of each person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ehpsbench.evaluation import truncation
from ehpsbench.evaluation.numbers import Number
from ehpsbench.geometry import rotation_matrix
from ehpsbench.schema import Columns, from_arrow, present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

NEEDED = ("instance_id", "occlusion", "truncation", "gender", "subject_gender", "bbox", "body_pose")
SHARES = ((0.0, 0.1, "under 10 %"), (0.1, 0.5, "10 to 50 %"), (0.5, np.inf, "50 % and more"))
HEIGHTS = (
    (0.0, 100.0, "under 100 px"),
    (100.0, 200.0, "100 to 200 px"),
    (200.0, 400.0, "200 to 400 px"),
    (400.0, np.inf, "400 px and more"),
)
SLICES = ("occlusion", "truncation", "gender", "size", "pose")
POSE_CLUSTERS = 6
ROUNDS = 20

MOST_CLUSTERED = 4096  # poses that centres are sought in; the others only find theirs

Labels = NDArray[np.object_]
Floats = NDArray[np.float64]


def slices(
    store: Store,
    dataset: str,
    split: str,
    rows: pa.Table,
    number: Callable[[pa.Table], Number],
    *,
    bodies: BodySet,
) -> dict[str, dict[str, Number]]:
    """A number of parts of the people.

    Occlusion and truncation are the owners' shares; where they say nothing of truncation, it is
    the share of the true joints outside the image (`ehpsbench.evaluation.truncation`). Size is
    the longer side of the tight box, gender the subject's, or the body's where the subject's is
    not known; pose clusters group the true poses (k-means on rotation matrices of at most 4,096
    people, largest first, named by the person in the middle).

    Args:
        store: with the people.
        dataset: theirs.
        split: theirs.
        rows: of a result, with `instance_id`; those whom the split does not know are in no part.
        number: what becomes of some of the rows.
        bodies: the body set of the labels.

    Returns:
        slice → part → number; slices of which nothing is known are not there.
    """
    found = {}
    people = rows["instance_id"]
    for name, labels in _labelled(store, dataset, split, people, bodies).items():
        if parts := sorted({part for part in labels if part is not None}, key=_order):
            found[name] = {part: number(rows.filter(pa.array(labels == part))) for part in parts}
    return found


def _labelled(
    store: Store, dataset: str, split: str, people: pa.ChunkedArray, bodies: BodySet
) -> dict[str, Labels]:
    """Slice → (N,) part of each person, None where it is not known; the store is read by bits."""
    found = {name: np.full(len(people), None, object) for name in SLICES}
    for rows, columns in _read(store, dataset, split, people):
        for name, values in _known_of(columns):
            found[name][rows] = values
    _derive_truncation(found["truncation"], store, dataset, split, people, bodies)
    found["pose"] = _pose_clusters(store, dataset, split, people)
    return found


def _derive_truncation(
    labels: Labels,
    store: Store,
    dataset: str,
    split: str,
    people: pa.ChunkedArray,
    bodies: BodySet,
) -> None:
    """Fill in (N,) parts of the people of whom nothing is known, from their true bodies."""
    unknown = np.asarray([label is None for label in labels], bool)
    if not unknown.any() or not store.pictured(dataset):
        return
    root = store.release_root(dataset)
    for rows, columns in _read(store, dataset, split, people, truncation.NEEDED):
        shares = truncation.outside_image(columns, bodies, root)
        labels[rows] = np.where(unknown[rows], _binned(shares, SHARES), labels[rows])


def _read(
    store: Store,
    dataset: str,
    split: str,
    people: pa.ChunkedArray,
    names: Sequence[str] = NEEDED,
) -> Iterator[tuple[NDArray[np.int64], Columns]]:
    """(n,) places among `people`, and the columns of those who stand there."""
    for batch in store.batches("instances", dataset, split, names):
        place = pc.index_in(batch["instance_id"], value_set=people).fill_null(-1)
        rows = np.asarray(place, np.int64)
        if (rows >= 0).any():
            yield rows[rows >= 0], from_arrow(batch.filter(pa.array(rows >= 0)))


def _known_of(columns: Columns) -> Iterator[tuple[str, Labels]]:
    """(slice, (n,) part of each person; None where it is not known)."""
    for name in ("occlusion", "truncation"):
        if name in columns:
            yield name, _binned(columns[name], SHARES)
    if {"gender", "subject_gender"} & set(columns):
        yield "gender", _gender(columns)
    if "bbox" in columns:
        longer = np.ma.getdata(columns["bbox"])[:, 2:].max(1)
        here = present(columns["bbox"])
        yield "size", _binned(np.ma.MaskedArray(longer, ~here), HEIGHTS)


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
    said = np.asarray(columns.get("subject_gender", columns.get("gender")), object)
    labels = np.asarray(columns.get("gender", np.full(len(said), None)), object).copy()
    if "subject_gender" in columns:
        labels = np.where(present(columns["subject_gender"]), said, labels)
    return labels


def _pose_clusters(store: Store, dataset: str, split: str, people: pa.ChunkedArray) -> Labels:
    """Largest cluster first; each is named by its number and its most central person."""
    labels = np.full(len(people), None, object)
    seek = range(0, len(people), -(-len(people) // MOST_CLUSTERED) or 1)
    poses = [p[np.isin(r, seek)] for r, p in _poses(store, dataset, split, people)]
    if sum(map(len, poses)) < 2 * POSE_CLUSTERS:
        return labels
    centres = _k_means(np.concatenate(poses))
    cluster, distance = np.full(len(people), -1), np.full(len(people), np.inf)
    for rows, points in _poses(store, dataset, split, people):
        squared = _squared_distances(points, centres)
        cluster[rows], distance[rows] = squared.argmin(1), squared.min(1)
    sizes = np.bincount(cluster[cluster >= 0], minlength=POSE_CLUSTERS)
    for number, which in enumerate(np.argsort(-sizes, kind="stable"), start=1):
        members = np.flatnonzero(cluster == which)
        if len(members):
            middle = people[int(members[np.argmin(distance[members])])]
            labels[members] = f"pose {number}, like {middle}"
    return labels


def _poses(
    store: Store, dataset: str, split: str, people: pa.ChunkedArray
) -> Iterator[tuple[NDArray[np.int64], Floats]]:
    """(n,) places among `people` and (n, 189) entries of the rotation matrices of their joints."""
    for rows, columns in _read(store, dataset, split, people):
        if "body_pose" in columns:
            known = present(columns["body_pose"])
            vectors = np.ma.getdata(columns["body_pose"])[known].reshape(-1, 3)
            yield rows[known], rotation_matrix(vectors).reshape(int(known.sum()), -1)


def _k_means(points: Floats) -> Floats:
    """(K, …) centres; starts from points far from one another."""
    centres = points[[int(((points - points.mean(0)) ** 2).sum(1).argmin())]]
    for _ in range(POSE_CLUSTERS - 1):
        nearest = _squared_distances(points, centres).min(1)
        centres = np.concatenate([centres, points[[int(nearest.argmax())]]])
    for _ in range(ROUNDS):
        cluster = _squared_distances(points, centres).argmin(1)
        for i in range(POSE_CLUSTERS):
            if (cluster == i).any():
                centres[i] = points[cluster == i].mean(0)
    return centres


def _squared_distances(points: Floats, centres: Floats) -> Floats:
    """(N, K), by the binomial formula: no array of all differences."""
    squares = (points**2).sum(1)[:, None] + (centres**2).sum(1)[None]
    return np.asarray(np.maximum(squares - 2 * points @ centres.T, 0))
