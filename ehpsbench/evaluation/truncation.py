"""How much of a person the picture's edge cuts off, where the owners do not say it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ehpsbench.evaluation.mesh.visible import inside_image
from ehpsbench.schema import COLUMNS, Columns, nullable, present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

NEEDED = (
    "instance_id",
    "width",
    "height",
    *(c.name for c in COLUMNS if c.group in ("camera", "body", "vertices")),
)
BODY = 22  # joints of a whole body without hands and face, the pelvis first
CAMERA = ("focal", "principal_point", "width", "height")
PLACES = ("transl", "vertices_path", "left_hand_transl", "right_hand_transl")


def outside_image(columns: Columns, bodies: BodySet, root: Path) -> np.ma.MaskedArray[Any, Any]:
    """(N,) share of each person's true body joints that lie outside the image or behind the camera.

    The 22 joints of the body count; of a labelled hand without a body, the hand's.

    Args:
        columns: `NEEDED` of N people.
        bodies: the body set of the labels.
        root: of the release, for templates and meshes.

    Returns:
        Null for whom no place before a camera is known.
    """
    from ehpsbench.body.posed import posed_joints

    count = len(columns["instance_id"])
    if not set(CAMERA) <= set(columns):
        return nullable(np.zeros(count), np.zeros(count, bool))
    joints, has = posed_joints(columns, bodies, root)
    has[has[:, 0], BODY:] = False
    outside = has & ~inside_image(joints, columns)
    known = has.any(1) & np.all([present(columns[name]) for name in CAMERA], axis=0)
    known &= np.any([present(columns[name]) for name in PLACES if name in columns], axis=0)
    return nullable(outside.sum(1) / np.maximum(has.sum(1), 1), known)
