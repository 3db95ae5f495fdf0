"""What rows of the store label: flags, words, vectors, keypoints; and which rows can teach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.schema import SMPLX_JOINTS, present
from ehpsbench.training.joints import JOINTS, SEEN_JOINTS, SEEN_KEYPOINTS
from ehpsbench.training.lens import Lens

Columns = Mapping[str, NDArray[Any]]
Flags = NDArray[np.bool_]


def trainable(columns: Columns) -> Flags:
    """(N,) rows that can teach: not refused by the owners, with a box and a part or a 2D keypoint.

    A row without a body model teaches 2D, if it labels one of the joints that it can.
    """
    parts = ("body_valid", "left_hand_valid", "right_hand_valid")
    posed = np.stack([flag(columns, part) for part in parts]).any(0)
    clicked = clicks(columns)[1].any(1)
    teaches = np.where(has(columns, "source_model"), posed, clicked)
    return np.asarray(owner_valid(columns) & has(columns, "bbox") & teaches)


def owner_valid(columns: Columns) -> Flags:
    """(N,) False where the owners refuse the person; null means they say nothing."""
    return flag(columns, "owner_valid") | ~has(columns, "owner_valid")


def flag(columns: Columns, name: str) -> Flags:
    """(N,) a validity column; null is False."""
    values = columns.get(name)
    if values is None:
        return np.zeros(rows_of(columns), bool)
    return np.array(np.ma.filled(values, False), dtype=bool)


def has(columns: Columns, name: str) -> Flags:
    """(N,) True where a column is not null."""
    values = columns.get(name)
    return np.zeros(rows_of(columns), bool) if values is None else present(values)


def text(columns: Columns, name: str) -> NDArray[np.str_]:
    """(N,) a text column; null is the empty string."""
    values = columns.get(name)
    if values is None:
        return np.full(rows_of(columns), "")
    return np.asarray([value or "" for value in values.tolist()], str)


def rows_of(columns: Columns) -> int:
    """How many rows there are."""
    return len(next(iter(columns.values())))


def vector(columns: Columns, name: str, size: int, keep: Flags) -> NDArray[np.float64]:
    """(N, size) values, zero where not kept."""
    out = np.zeros((len(keep), size))
    if keep.any():
        out[keep] = np.ma.getdata(columns[name])[keep, :size]
    return out


def straight(columns: Columns) -> Flags:
    """(N,) crops as a pinhole shows them: all but of a distortion without a focal length."""
    return Lens.of(columns).bent | ~has(columns, "distortion")


def clicks(columns: Columns) -> tuple[NDArray[np.float64], Flags]:
    """(N, 55, 2) joints that the owners mark in rows without a body [pinhole px]; (N, 55) which."""
    count = rows_of(columns)
    marked, labelled = np.zeros((count, JOINTS, 2)), np.zeros((count, JOINTS), bool)
    rows = has(columns, "keypoints2d") & ~has(columns, "source_model") & straight(columns)
    if rows.any():
        points = np.ma.getdata(columns["keypoints2d"])[rows].reshape(-1, SMPLX_JOINTS, 3)
        points = points[:, SEEN_KEYPOINTS].astype(np.float64)
        placed = Lens.of({k: v[rows] for k, v in columns.items()}).pinhole(points[..., :2])
        good = np.isfinite(placed).all(-1) & (points[..., 2] > 0)
        marked[np.ix_(rows, SEEN_JOINTS)] = np.where(good[..., None], placed, 0)
        labelled[np.ix_(rows, SEEN_JOINTS)] = good
    return marked, labelled
