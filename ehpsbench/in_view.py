"""Somebody of whom there is no picture, put before a camera that sees all of the body."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.checks import project_rows
from ehpsbench.geometry import box_around

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["in_view"]

Row = Mapping[str, NDArray[Any]]

AWAY = 6.0  # m, to the middle of the body
SIDE, FOCAL = 1000, 2000.0  # px, of the picture that there is not


def in_view(row: Row, bodies: BodySet | None, root: Path) -> Row:
    """The row of a motion with a camera, a size and a box, moved to where the camera sees it.

    The camera looks level along the z axis of the upright frame, so that what is upright stays so.

    Args:
        row: instance columns of length 1, without a picture.
        bodies: of the labels; without them, or without a body, nobody is moved.
        root: of the release.
    """
    from ehpsbench.body.posed import posed_vertices

    lens = {"focal": np.full((1, 2), FOCAL), "principal_point": np.full((1, 2), SIDE / 2)}
    size = {name: np.array([SIDE]) for name in ("width", "height")}
    shown = {**row, **lens, **size}
    if bodies is None:
        return shown
    mesh = posed_vertices(row, bodies, root)[0]
    if not len(mesh) or "transl" not in row:
        return shown
    shift = np.array([0.0, 0.0, AWAY]) - (mesh.min(0) + mesh.max(0)) / 2
    seen = project_rows(shown, (mesh + shift)[None])
    moved = np.ma.getdata(row["transl"]) + shift
    return {**shown, "transl": moved, "bbox": box_around(seen)}
