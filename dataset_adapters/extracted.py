"""Pictures that users cut from videos, or did not: which labelled frames have one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["extracted"]


def extracted(
    folder: Path, numbers: NDArray[np.int64], suffix: str, *, whole: Path | None = None
) -> NDArray[np.bool_]:
    """(F,) which frames count: all where no picture was written yet, else those that were.

    Args:
        folder: of the pictures of one camera; their names end in a number.
        numbers: (F,) of the pictures.
        suffix: of the files, with its dot.
        whole: folder whose absence says that nothing was written; None: `folder` itself.
    """
    if not (whole or folder).is_dir():
        return np.ones(len(numbers), bool)
    return np.isin(numbers, [int(path.stem) for path in folder.glob(f"*{suffix}")])
