"""The joints of stored bodies in the order of HUMAN_DATA, in space and in the image."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.checks import project_rows
from ehpsbench.dataset_adapters.surface_joints import joints_127
from ehpsbench.schema import EXTRA_JOINTS, SMPLX_JOINTS, Columns, present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["ALL", "body_pixels", "body_points", "labelled"]

ALL = SMPLX_JOINTS + EXTRA_JOINTS
ON_SURFACE = 127

Floats = NDArray[np.float64]


def body_points(columns: Columns, bodies: BodySet, root: Path) -> Floats:
    """(N, 190, 4) x, y, z in the camera frame [m] and 1, or 0 and three zeros for no joint.

    SMPL-X bodies have 55 kinematic joints, 21 on the surface and 51 in the face; SMPL bodies 22;
    hands their wrist and 15 finger joints.
    """
    from ehpsbench.body.posed import posed_joints

    joints, has = posed_joints(columns, bodies, root)
    points = np.zeros((len(joints), ALL, 4))
    points[:, : joints.shape[1], :3] = np.where(has[..., None], joints, 0)
    points[:, : joints.shape[1], 3] = has
    quick = _landmark_bodies(bodies)
    for (gender, personal), rows in _smplx_groups(columns, has).items():
        few = {name: values[rows] for name, values in columns.items()}
        found = _with_surface(few, joints[rows], bodies if personal else quick, gender, root)
        if found is not None:
            points[rows, :ON_SURFACE, :3], points[rows, :ON_SURFACE, 3] = found, 1
    return points


@lru_cache(maxsize=1)
def _landmark_bodies(bodies: BodySet) -> BodySet:
    from ehpsbench.curation.export.landmark_bodies import LandmarkBodies

    return LandmarkBodies(bodies)


def _with_surface(
    columns: Columns, joints: Floats, bodies: BodySet, gender: str, root: Path
) -> Floats | None:
    """(n, 127, 3) the joints with those on the surface; None where the model knows none."""
    from ehpsbench.body.posed import posed_vertices

    model = bodies.model("smplx", gender)
    if model.landmarks is None or model.extra_vertex_ids is None:
        return None
    meshes = np.stack(posed_vertices(columns, bodies, root))
    return joints_127(meshes, joints, model)


def _smplx_groups(
    columns: Columns, has: NDArray[np.bool_]
) -> dict[tuple[str, bool], NDArray[np.intp]]:
    """SMPL-X rows with joints, by gender and whether they have a mesh of their own."""
    if "source_model" not in columns:
        return {}
    count = len(has)
    genders = np.ma.filled(np.ma.asarray(columns.get("gender", np.full(count, "neutral"))), "")
    personal = np.zeros(count, bool)
    for name in ("template_path", "vertices_path"):
        if name in columns:
            personal |= present(columns[name])
    smplx = has.any(1) & (np.ma.getdata(columns["source_model"]) == "smplx")
    groups: dict[tuple[str, bool], list[int]] = {}
    for row in np.flatnonzero(smplx).tolist():
        groups.setdefault((str(genders[row]), bool(personal[row])), []).append(row)
    return {key: np.asarray(rows) for key, rows in sorted(groups.items())}


def body_pixels(columns: Columns, points: Floats) -> Floats:
    """(N, 190, 3) x, y [px] of `body_points`, and 1 where they are in the image, else 0."""
    pixels = np.zeros((len(points), ALL, 3))
    if "focal" not in columns or not len(points):
        return pixels
    known = present(columns["focal"]) & present(columns["principal_point"])
    front = (points[..., 3] > 0) & (points[..., 2] > 0) & known[:, None]
    placed = project_rows(columns, points[..., :3])
    here = front & np.isfinite(placed).all(-1)
    pixels[..., :2] = np.where(here[..., None], placed, 0)
    size = np.stack([columns["width"], columns["height"]], -1)[:, None]
    inside = ((pixels[..., :2] >= 0) & (pixels[..., :2] <= size)).all(-1)
    pixels[..., 2] = here & inside
    return pixels


def labelled(columns: Columns, dimensions: int) -> Floats:
    """(N, 190, dimensions + 1) the keypoints that the release labels; zeros where it has none."""
    width = dimensions + 1
    count = len(columns["instance_id"])
    points = np.zeros((count, ALL, width))
    for name, start in ((f"keypoints{dimensions}d", 0), (f"keypoints{dimensions}d_extra", 144)):
        if name in columns:
            values = np.ma.filled(np.ma.asarray(columns[name]), 0).reshape(count, -1, width)
            points[:, start : start + values.shape[1]] = values
    points[points[..., -1] <= 0] = 0
    return points
