"""Writes fits as SMPLify-X and its heirs do: a pickle a person and frame, arrays of one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.restricted_pickle import dump_plain

__all__ = ["write_fit_files"]


def write_fit_files(
    paths: Sequence[Path | None], fit: Mapping[str, NDArray[Any]], **extra: Any
) -> None:
    """Write (F, k) parameters, a file a frame.

    Args:
        paths: (F,) of the files; None: a frame without one.
        fit: by name, as of `Clip.fits`.
        **extra: what every file holds besides.
    """
    for row, path in enumerate(paths):
        if path is None:
            continue
        content = {key: v[row : row + 1].astype(np.float32) for key, v in fit.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        dump_plain({**content, **extra}, path)
