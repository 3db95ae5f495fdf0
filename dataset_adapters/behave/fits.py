"""BEHAVE's fits of a sequence: a file a second, and of 30 a second for pictures cut from videos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_frames
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz

__all__ = ["DENSE", "FIT", "Fits", "milliseconds", "read_fits"]

Floats = NDArray[np.float64]
FIT = "person/fit02/person_fit.pkl"
DENSE = "behave-30fps-params-v1/{}/smpl_fit_all.npz"
SIZES = {"pose": 156, "betas": 10, "trans": 3}
DENSE_KEYS = {"pose": "poses", "betas": "betas", "trans": "trans"}
APART = 0.05  # m: fits of one moment that lie farther apart are of two worlds


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """K fits of the person of a sequence.

    Attributes:
        time: (K,) name of each one's folder: t<seconds>.<three digits>.
        file: (K,) where it is from.
        row: (K,) of the file.
        table: pose (K, 156), betas (K, 10), trans (K, 3).
    """

    time: list[str]
    file: list[Path]
    row: NDArray[np.int64]
    table: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.time)


def milliseconds(time: str) -> int:
    """Of a folder t<seconds>.<three digits>."""
    return round(1000 * float(time.removeprefix("t")))


def read_fits(files: Sequence[Path], frames: Iterable[int]) -> Fits:
    """The fits of a sequence.

    Those of 30 a second count in frames that have none of their own, unless they lie elsewhere
    than the others of the same moments.

    Args:
        files: person_fit.pkl of every second, and perhaps smpl_fit_all.npz.
        frames: that have pictures [ms].

    Raises:
        InputError: a file is broken.
    """
    paths = [path for path in files if path.name == "person_fit.pkl"]
    times = [path.parents[2].name for path in paths]
    own = Fits(times, paths, np.zeros(len(paths), np.int64), read_frames(paths, SIZES))
    dense = next((path for path in files if path.name == "smpl_fit_all.npz"), None)
    return own if dense is None else _joined(own, _dense(dense), frames)


def _dense(path: Path) -> Fits:
    content = load_npz(path)
    try:
        times = [str(t.decode() if isinstance(t, bytes) else t) for t in content["frame_times"]]
        table = {
            name: np.asarray(content[key], np.float64).reshape(len(times), SIZES[name])
            for name, key in DENSE_KEYS.items()
        }
        [milliseconds(time) for time in times]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} has no fits of BEHAVE ({type(error).__name__}: {error}). Expected poses (F, "
            "156), betas (F, 10), trans (F, 3) and frame_times like t0003.000."
        ) from error
    return Fits(times, [path] * len(times), np.arange(len(times)), table)


def _joined(own: Fits, dense: Fits, frames: Iterable[int]) -> Fits:
    mine = {milliseconds(time): row for row, time in enumerate(own.time)}
    theirs = [milliseconds(time) for time in dense.time]
    both = [(mine[time], row) for row, time in enumerate(theirs) if time in mine]
    if both:
        first, second = np.asarray(both, np.int64).T
        away = own.table["trans"][first] - dense.table["trans"][second]
        if np.nanmedian(np.linalg.norm(away, axis=1)) > APART:
            return own
    shown = set(frames) - set(mine)
    more = np.asarray([row for row, time in enumerate(theirs) if time in shown], np.int64)
    parts = {name: (own.table[name], dense.table[name][more]) for name in SIZES}
    return Fits(
        own.time + [dense.time[row] for row in more],
        own.file + [dense.file[row] for row in more],
        np.concatenate([own.row, more]),
        {name: np.concatenate(pair) for name, pair in parts.items()},
    )
