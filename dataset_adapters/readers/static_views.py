"""Cameras that stand still: one view of a recording, and what all its images say of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["StaticView", "view_columns", "view_sizes"]

Floats = NDArray[np.float64]


class StaticView(NamedTuple):
    """A camera of a recording; pixels are those of its pictures.

    `size` (2,) is width and height; `world_rotation` (3, 3) and `world_translation` (3,) [m] bring
    the release's world to it; `distortion` (8,) is OpenCV's rational model, None for a pinhole;
    `path` is the file that says so.
    """

    name: str
    path: Path
    size: NDArray[np.int64]
    focal: Floats
    principal_point: Floats
    world_rotation: Floats
    world_translation: Floats
    distortion: Floats | None = None


def view_sizes(views: Sequence[StaticView], of: NDArray[np.int64]) -> NDArray[np.int64]:
    """(M, 2) width and height of the images of the views `of` (M,)."""
    return np.stack([view.size for view in views])[of]


def view_columns(views: Sequence[StaticView], of: NDArray[np.int64]) -> dict[str, Any]:
    """Camera columns for `image_columns` of M images of the views `of` (M,)."""
    names = ("focal", "principal_point", "world_rotation", "world_translation")
    columns: dict[str, Any] = {"camera": [views[v].name for v in of.tolist()]}
    columns |= {name: np.stack([getattr(view, name) for view in views])[of] for name in names}
    bent = [view.distortion for view in views if view.distortion is not None]
    if bent:
        columns["distortion"] = np.stack(bent)[of]
    return columns
