"""Errors of motion: joints of all people are kept, put in the order of their tracks, and scored."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ehpsbench.evaluation.mesh.points import Figures, Pair
from ehpsbench.evaluation.mesh.rules import ErrorColumn
from ehpsbench.metrics import acceleration_error
from ehpsbench.metrics.point_error import centred
from ehpsbench.schema import Columns, present

TRACK = ("sequence", "camera", "track")


class Motion:
    """One error of motion of N people; about 700 bytes a person are kept until all are seen."""

    def __init__(self, error: ErrorColumn, count: int) -> None:
        self._error = error
        self._count = count
        self._joints: tuple[Tensor, Tensor] | None = None

    def keep(self, rows: slice, pair: Pair, pred: Figures, true: Figures) -> None:
        """Keep the joints of a chunk, relative to their roots."""
        chunk = (
            centred(pair.pred.points(pred), pair.pred.roots(pred)).cpu(),
            centred(pair.true.points(true), pair.true.roots(true)).cpu(),
        )
        if self._joints is None:
            shape = (self._count, *chunk[0].shape[1:])
            self._joints = (torch.zeros(shape).double(), torch.zeros(shape).double())
        for kept, found in zip(self._joints, chunk, strict=True):
            kept[rows] = found

    def values(self, truth: Columns) -> NDArray[np.float64]:
        """(N,) the error at each person, who is the middle of three consecutive frames; or NaN."""
        found = np.full(self._count, np.nan)
        if self._joints is None:
            return found
        order, sequence = tracks(truth)
        ordered = (joints[torch.from_numpy(order)] for joints in self._joints)
        error = acceleration_error.score(*ordered, sequence=torch.from_numpy(sequence))
        if self._error.unit == "m/s^2":
            error = acceleration_error.per_second(error, torch.from_numpy(_fps(truth)[order]))
        found[order] = error.numpy()
        return found


def has_tracks(truth: Columns) -> bool:
    """Whether rows say who is who from frame to frame."""
    return all(name in truth and present(truth[name]).any() for name in ("track", "frame"))


def tracks(truth: Columns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows in the order of their tracks, cut where a frame is missing.

    Args:
        truth: sequence, camera, track and frame of N rows.

    Returns:
        (N,) row at each place, and (N,) a number for each place that is equal along frames that
        follow each other. A row without track or frame is alone.
    """
    frame = np.ma.getdata(truth["frame"]).astype(np.int64)
    known = present(truth["frame"]) & present(truth["track"])
    alone = np.cumsum(~known)
    keys = [np.where(known, 0, alone), *(_codes(truth, name) for name in TRACK)]
    order = np.lexsort([frame, *keys])
    cut = np.zeros(len(order), bool)
    cut[1:] = np.diff(frame[order]) != 1
    for key in keys:
        cut[1:] |= np.diff(key[order]) != 0
    return order, np.cumsum(cut)


def _codes(truth: Columns, name: str) -> NDArray[np.int64]:
    """(N,) a number for each value of a text column; null is one of them."""
    if name not in truth:
        return np.zeros(len(truth["frame"]), np.int64)
    text = np.asarray(np.ma.getdata(truth[name]), object).astype(str)
    return np.asarray(np.unique(text, return_inverse=True)[1], np.int64)


def _fps(truth: Columns) -> NDArray[np.float64]:
    if "fps" not in truth:
        return np.full(len(truth["frame"]), np.nan)
    return np.asarray(np.ma.filled(np.ma.masked_array(truth["fps"]), np.nan), np.float64)
