"""Pictures that users cut from videos, or did not: which labelled frames have one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError

__all__ = ["extracted"]


def extracted(
    folder: Path, numbers: NDArray[np.int64], suffix: str, *, whole: Path | None = None
) -> NDArray[np.bool_]:
    """(F,) which frames count: all where no picture was written yet, else those that were.

    Args:
        folder: of the pictures of one camera; their names end in a number.
        numbers: (F,) of the pictures, ascending; the first is that of the first frame.
        suffix: of the files, with its dot.
        whole: folder whose absence says that nothing was written; None: `folder` itself.

    Raises:
        InputError: the pictures are numbered from another number, so that all would be shifted.
    """
    if not (whole or folder).is_dir():
        return np.ones(len(numbers), bool)
    found = [int(m[1]) for p in folder.glob(f"*{suffix}") if (m := re.search(r"(\d+)$", p.stem))]
    shown = np.isin(numbers, found)
    if len(numbers) and found:
        _demand_start(folder, numbers, min(found), shown)
    return shown


def _demand_start(
    folder: Path, numbers: NDArray[np.int64], lowest: int, shown: NDArray[np.bool_]
) -> None:
    """Of videos: ffmpeg counts from 1 unless it is told otherwise, and some tools from 0."""
    first = int(numbers[0])
    late = len(numbers) > 1 and numbers[1] == 1 and shown[1] and not shown[0]
    if (first, lowest) == (1, 0) or (first == 0 and late):
        raise InputError(
            f"{folder} begins with picture {lowest}, expected {first} for the first frame: cut the "
            f"video again with `-start_number {first}`, as the dataset's card says."
        )
