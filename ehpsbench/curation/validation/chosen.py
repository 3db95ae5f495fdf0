"""People who span a dataset: the same ones at every call, as different as they can be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ehpsbench.geometry import rotation_matrix
from ehpsbench.schema import INSTANCES, Columns, from_arrow, present
from ehpsbench.store import Store

__all__ = ["farthest", "span"]

CANDIDATES = 3000
LOOKED_AT = (
    "instance_id", "split", "sequence", "camera", "source_model", "gender", "orientation",
    "height", "width", "bbox", "global_orient", "left_hand_orient", "right_hand_orient",
    "body_pose", "owner_valid",
)  # fmt: skip
KINDS = {  # weight of two people differing in it
    "split": 1.5, "source_model": 2.0, "orientation": 2.0, "sequence": 1.0, "camera": 0.7,
    "gender": 0.7, "owner_valid": 0.4,
}  # fmt: skip

Floats = NDArray[np.float64]


def span(store: Store, name: str, count: int) -> pa.Table:
    """`count` people of a dataset, or all where it has fewer: whole rows, in the stored order."""
    people = sum(account["instances"] for account in store.manifest(name)["splits"].values())
    step = max(-(-people // CANDIDATES), 1)
    candidates = pa.concat_tables(_every(store, name, step))
    if not candidates.num_rows:
        return INSTANCES.empty_table()
    rows = farthest(features(from_arrow(candidates)), count)
    ids = pc.take(candidates["instance_id"], pa.array(sorted(rows)))
    found = [INSTANCES.empty_table()]
    for split in store.manifest(name)["splits"]:
        for table in store.batches("instances", name, split, INSTANCES.names):
            chosen = table.filter(pc.is_in(table["instance_id"], value_set=ids.combine_chunks()))
            found += [chosen] if chosen.num_rows else []
    return pa.concat_tables(found).unify_dictionaries()


def _every(store: Store, name: str, step: int) -> Iterator[pa.Table]:
    """Every `step`-th person, with the columns that are looked at."""
    number = 0
    yield INSTANCES.empty_table().select(LOOKED_AT)
    for split in store.manifest(name)["splits"]:
        for table in store.batches("instances", name, split, LOOKED_AT):
            places = np.arange(number, number + table.num_rows)
            number += table.num_rows
            yield table.filter(pa.array(places % step == 0))


def features(columns: Columns) -> Floats:
    """(N, F) what is seen at a glance: size and place in the image, view, pose, and kinds."""
    count = len(columns["instance_id"])
    box, size = _values(columns, "bbox", 4, count), np.ones((count, 2))
    if "height" in columns:
        size = np.stack([columns["width"], columns["height"]], 1).astype(np.float64)
    centre = (box[:, :2] + box[:, 2:] / 2) / size
    height = np.log2(np.maximum(box[:, 2:].max(1), 1.0))[:, None] / 2
    parts = [centre, height, np.log2(np.maximum(size[:, 1:], 1.0)) / 2]
    root = _values(columns, "global_orient", 3, count)
    for side in ("left", "right"):
        root = root + _values(columns, f"{side}_hand_orient", 3, count)
    parts.append(rotation_matrix(root).reshape(count, 9) / 2)
    parts.append(_values(columns, "body_pose", 63, count)[:, [0, 9, 36, 45, 46, 48, 49]] / 2)
    parts += [_kind(columns[name], weight) for name, weight in KINDS.items() if name in columns]
    return np.concatenate(parts, 1)


def _values(columns: Columns, name: str, size: int, count: int) -> Floats:
    if name not in columns:
        return np.zeros((count, size))
    return np.asarray(np.ma.filled(np.ma.asarray(columns[name]), 0), np.float64)


def _kind(values: NDArray[Any], weight: float) -> Floats:
    """(N, 8) a point for every value, the same at every call, about `weight` from the others."""
    here = present(values)
    keys = [str(v) if ok else "" for v, ok in zip(np.ma.getdata(values), here, strict=True)]
    points = {key: _point(key) for key in set(keys)}
    return weight * np.stack([points[key] for key in keys])


def _point(key: str) -> Floats:
    """A corner of a cube in eight dimensions, by the hash of a text."""
    digest = hashlib.blake2b(key.encode(), digest_size=1).digest()
    return np.unpackbits(np.frombuffer(digest, np.uint8)).astype(np.float64) / 2


def farthest(points: Floats, count: int) -> list[int]:
    """Rows that lie far apart: the one nearest to the median first, then always the farthest."""
    start = int(np.argmin(np.linalg.norm(points - np.median(points, 0), axis=1)))
    chosen, distance = [start], np.linalg.norm(points - points[start], axis=1)
    while len(chosen) < min(count, len(points)):
        distance[chosen] = -1.0
        chosen.append(int(np.argmax(distance)))
        apart = np.linalg.norm(points - points[chosen[-1]], axis=1)
        distance = np.minimum(distance, apart)
    return chosen
