"""What both parts of EgoBody share: recordings, calibration files, and fits of a frame each.

Bodies are gendered SMPL-X in the frame of the master Kinect's colour camera (no. 12); hands are 12
principal components, relative to the mean hand.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.parameters import FIT_SIZES
from ehpsbench.errors import InputError

__all__ = ["FIT_SIZES_12", "FPS", "Recording", "frame_number", "read_transform", "recordings"]

FPS = 30.0
FIT_SIZES_12 = {**FIT_SIZES, "left_hand_pose": 12, "right_hand_pose": 12}


class Recording(NamedTuple):
    """A row of data_info_release.csv, with the split of data_splits.csv.

    `body` and `gender` are the interactee's; labels count from `start` to `end`, both included.
    """

    name: str
    split: str
    body: int
    gender: str
    start: int
    end: int
    wearer_gender: str

    @property
    def subject(self) -> str:
        """The interactee: recording_<date>_<wearer>_<interactee>_<take>."""
        return self.name.split("_")[3]

    @property
    def wearer(self) -> str:
        """Who wears the HoloLens."""
        return self.name.split("_")[2]


def recordings(root: Path, tree: str) -> Iterator[Recording]:
    """The recordings of which the release has something in the folder `tree`.

    Raises:
        InputError: a table lacks a column, or a recording has no split.
    """
    info, splits = root / "data_info_release.csv", root / "data_splits.csv"
    split_of = {
        name: split
        for row in _table(splits)
        for split, name in row.items()
        if name and name.lower() != "nan"  # the columns differ in length
    }
    for row in _table(info):
        try:
            name = row["recording_name"]
            body, gender = row["body_idx_fpv"].split()
            start, end = (int(float(row[f"{which}_frame"])) for which in ("start", "end"))
            wearer_gender = row[f"body_idx_{1 - int(body)}"].split()[1]
        except (KeyError, ValueError, IndexError) as error:
            raise InputError(
                f"{info}: expected recording_name, start_frame, end_frame, body_idx_0, body_idx_1 "
                f"and body_idx_fpv ('1 female') in every row, got {row} ({error})."
            ) from error
        if not (root / tree / name).is_dir():
            continue
        if name not in split_of:
            raise InputError(f"{splits} gives no split to {name}, which is in {info.name}.")
        genders = gender.lower(), wearer_gender.lower()
        yield Recording(name, split_of[name], int(body), genders[0], start, end, genders[1])


def read_transform(path: Path) -> NDArray[np.float64]:
    """The (4, 4) matrix `trans` of a calibration file.

    Raises:
        InputError: it has no such matrix.
    """
    content = read_json(path)
    try:
        return np.asarray(content["trans"], np.float64).reshape(4, 4)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected a 4×4 matrix under 'trans' ({type(error).__name__}: {error})."
        ) from error


def frame_number(name: str) -> int:
    """The frame in `frame_<frame>`, `frame_<frame>.jpg` or `<timestamp>_frame_<frame>.jpg`."""
    return int(name.rsplit("_", 1)[-1].split(".")[0])


def _table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [
                {k.strip(): (v or "").strip() for k, v in row.items() if k}
                for row in csv.DictReader(stream)
            ]
    except (csv.Error, UnicodeDecodeError, AttributeError) as error:
        raise InputError(f"{path} is no table ({type(error).__name__}: {error}).") from error
    if not rows:
        raise InputError(f"{path}: expected a table with a recording a row, found no row.")
    return rows
