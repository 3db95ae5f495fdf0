"""IMAR's 25 joints: which leg is left is not documented, so the bodies of the file decide."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.release import Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Columns
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import Map, named

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["JOINTS", "joint_columns"]

Floats = NDArray[np.float64]
COUNT = 25
# the first 17, as Human3.6M has them; feet and hands after them have no names that are sure
LEGS, ARMS = ((1, 2, 3), (4, 5, 6)), ((11, 12, 13), (14, 15, 16))
OTHERS: dict[int, str] = {
    0: "pelvis_extra",
    7: "spine_extra",
    8: "neck_extra",
    9: "head_h36m",
    10: "headtop_h36m",
}
LEG, ARM = ("hip_extra", "knee", "ankle"), ("shoulder", "elbow", "wrist")
TESTED = {"knee": (4, 5), "elbow": (18, 19)}  # left and right joint of SMPL-X
CREDIBLE = 0.4  # m, of both limbs together from where the bodies have them
MOST_TESTED = 64  # people of a file
JOINTS = tuple(range(17))


def joint_columns(
    unit: Unit,
    columns: Columns,
    person: NDArray[np.int64],
    frame: NDArray[np.int64],
    bodies: BodySet,
) -> dict[str, NDArray[Any]]:
    """`keypoints3d` of people from joints3d_25, in the camera frame; nothing without the file."""
    path = next((f for f in unit.files if f.parent.name == "joints3d_25"), None)
    if path is None or not len(person):
        return {}
    world = _joints(path, int(person.max()) + 1)[person, frame]
    turn = np.ma.getdata(columns["world_rotation"]).reshape(-1, 3, 3)
    shift = np.ma.getdata(columns["world_translation"])[:, None]
    points = world @ turn.transpose(0, 2, 1) + shift
    scored = np.pad(points, ((0, 0), (0, 0), (0, 1)), constant_values=1.0)
    return keypoint_columns(3, (scored, _sides(points, columns, bodies, unit.release.root)))


def _joints(path: Path, people: int) -> Floats:
    """(P, F, 17, 3) [m]."""
    try:
        values = np.asarray(read_json(path)["joints3d_25"], np.float64)
        return values.reshape(people, -1, COUNT, 3)[:, :, : len(JOINTS)]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected `joints3d_25` of {people} people, (F, 25, 3) each: {error}."
        ) from error


def _sides(points: Floats, columns: Columns, bodies: BodySet, root: Path) -> Map:
    """The map of the 17 joints, with each pair of limbs on the side where the bodies have it."""
    from ehpsbench.body.posed import posed_joints

    rows = np.arange(min(len(points), MOST_TESTED))
    body, _ = posed_joints({n: v[rows] for n, v in columns.items()}, bodies, root)
    names = dict(OTHERS)
    for limbs, parts in ((LEGS, LEG), (ARMS, ARM)):
        left, right = (body[:, j] for j in TESTED[parts[1]])
        first, second = (points[rows, limb[1]] for limb in limbs)
        as_named = _distance(first, left) + _distance(second, right)
        crossed = _distance(first, right) + _distance(second, left)
        near = np.minimum(as_named, crossed) < CREDIBLE  # a broken row says nothing
        named_so = as_named[near].sum() <= crossed[near].sum()
        sides = ("left", "right") if named_so else ("right", "left")
        for limb, side in zip(limbs, sides, strict=True):
            names |= {j: f"{side}_{part}" for j, part in zip(limb, parts, strict=True)}
    return named(" ".join(names[j] for j in JOINTS))


def _distance(points: Floats, others: Floats) -> Floats:
    """(N,) distance [m], NaN where somebody is broken."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.linalg.norm(points - others, axis=-1))
