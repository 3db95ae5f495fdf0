"""People of images, labelled or detected, with all that is compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.posed import posed_joints, posed_vertices
from ehpsbench.dataset_adapters.surface_joints import joints_127
from ehpsbench.errors import InputError
from ehpsbench.evaluation.agora.images import Images
from ehpsbench.schema import Columns

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]

MATCHED = 24  # joints that a match is judged by


@dataclass(frozen=True, slots=True)
class Posed:
    """N people with joints and meshes.

    Attributes:
        image: (N,) row of each one's image.
        joints2d: (N, 24, 2) [px of the rules' height].
        boxes: (N, 4) x1, y1, x2, y2 around all joints known in the image [px of that height].
        joints: (N, 127, 3) camera frame [m].
        vertices: (N, V, 3) camera frame [m].
    """

    image: NDArray[np.int64]
    joints2d: Floats
    boxes: Floats
    joints: Floats
    vertices: Floats


def posed(
    columns: Columns,
    image: NDArray[np.int64],
    images: Images,
    bodies: BodySet,
    *,
    root: Path | None = None,
    focal: Floats | None = None,
) -> Posed:
    """Rows of parameters → joints and meshes.

    Args:
        columns: instance columns of N people.
        image: (N,) row of each one's image.
        images: of the split.
        bodies: the body set of the parameters.
        root: of the release, for templates and meshes.
        focal: (N, 2) in place of the images' own; see `Images.pixels`.

    Raises:
        InputError: somebody has no SMPL-X parameters.
    """
    points, vertices = joints_and_vertices(columns, bodies, root)
    joints2d = images.pixels(points, image, focal)
    return Posed(image, joints2d[:, :MATCHED], joint_boxes(joints2d), points, vertices)


def joints_and_vertices(
    columns: Columns, bodies: BodySet, root: Path | None = None
) -> tuple[Floats, Floats]:
    """(N, 127, 3) joints and (N, V, 3) vertices of N people [m]; arguments as in `posed`."""
    model = bodies.model("smplx", "neutral")
    joints, has = posed_joints(columns, bodies, root)
    meshes = posed_vertices(columns, bodies, root)
    if not has.all() or any(len(mesh) != model.num_vertices for mesh in meshes):
        raise InputError("Somebody of the benchmark has no SMPL-X parameters; ingest it again.")
    vertices = np.stack(meshes) if meshes else np.zeros((0, model.num_vertices, 3))
    return joints_127(vertices, joints, model), vertices


def joint_boxes(joints: Floats) -> Floats:
    """(…, 4) x1, y1, x2, y2 around (…, J, 2) joints."""
    return np.concatenate([joints.min(-2), joints.max(-2)], -1)
