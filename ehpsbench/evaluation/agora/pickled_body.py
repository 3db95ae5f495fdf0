"""What one prediction pickle of AGORA says: joints and mesh as they are, or parameters to pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.agora.posed import MATCHED, joints_and_vertices
from ehpsbench.evaluation.plausible import refuse_wrong_units
from ehpsbench.geometry import axis_angle

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]

JOINTS = 127
ROTATIONS = {  # joints of each
    "global_orient": 1,
    "body_pose": 21,
    "left_hand_pose": 15,
    "right_hand_pose": 15,
    "jaw_pose": 1,
    "leye_pose": 1,
    "reye_pose": 1,
}
VECTORS = {"transl": 3, "expression": 10}
GENDERS = ("neutral", "male", "female")
BETAS = 10
LARGEST_REACH = 10.0  # m from a body's first joint: no person, but millimetres


@dataclass(frozen=True, slots=True)
class PickledBody:
    """One detection.

    Attributes:
        joints2d: (J ≥ 24, 2) [px of the 3840×2160 image].
        points: joints (127, 3) and vertices (V, 3) [m], if the file gives them.
        columns: else one row of instance columns.
    """

    joints2d: Floats
    points: tuple[Floats, Floats] | None
    columns: dict[str, Any]


def body_of(said: Any, where: str, bodies: BodySet) -> PickledBody:
    """Check one file's content and take it apart.

    Rotation vectors of hands are relative to the mean hand, since the official code poses them
    with smplx's default; rotation matrices (`pose2rot` False) are absolute.

    Args:
        said: what the pickle holds.
        where: it, for messages.
        bodies: the body set of the parameters.

    Raises:
        InputError: a key is missing, or a value of another shape, unit, or not finite.

    Source:
        agora_evaluation 8c9dece, check_pred_format.py, get_joints_verts_from_dataframe.py:128-190.
    """
    if not isinstance(said, Mapping) or "joints" not in said:
        raise InputError(f"{where}: expected a dict with 'joints' and what the owners ask for.")
    joints2d = _array(said, "joints", where)
    if joints2d.ndim != 2 or len(joints2d) < MATCHED or joints2d.shape[1] < 2:
        raise InputError(
            f"{where}: joints must be ({MATCHED}, 2) [px of the 3840×2160 image], found "
            f"{joints2d.shape}."
        )
    if "allSmplJoints3d" in said and "verts" in said:
        return PickledBody(joints2d[:, :2], _points(said, where, bodies), {})
    if not isinstance(said.get("params"), Mapping):
        raise InputError(f"{where}: expected 'allSmplJoints3d' and 'verts', or 'params'.")
    return PickledBody(joints2d[:, :2], None, _columns(said, where, bodies))


def posed_bodies(people: Sequence[PickledBody], bodies: BodySet) -> tuple[Floats, Floats]:
    """(N, 127, 3) joints and (N, V, 3) vertices of N detections [m]."""
    model = bodies.model("smplx", "neutral")
    joints = np.zeros((len(people), JOINTS, 3))
    vertices = np.zeros((len(people), model.num_vertices, 3))
    told = [i for i, person in enumerate(people) if person.points is None]
    for i, person in enumerate(people):
        if person.points is not None:
            joints[i], vertices[i] = person.points
    if told:
        rows = [people[i].columns for i in told]
        columns = {name: _column([row[name] for row in rows]) for name in rows[0]}
        joints[told], vertices[told] = joints_and_vertices(columns, bodies)
    return joints, vertices


def _column(values: list[Any]) -> NDArray[Any]:
    """One value a person as a column; text, and vectors of unequal length, as objects."""
    if not isinstance(values[0], str) and len({np.size(value) for value in values}) == 1:
        return np.asarray(values)
    found = np.empty(len(values), object)
    found[:] = values
    return found


def _points(said: Mapping[str, Any], where: str, bodies: BodySet) -> tuple[Floats, Floats]:
    """Joints and mesh as the file gives them."""
    joints, vertices = (_array(said, name, where) for name in ("allSmplJoints3d", "verts"))
    model = bodies.model("smplx", "neutral")
    if vertices.shape != (model.num_vertices, 3):
        raise InputError(
            f"{where}: verts must be {(model.num_vertices, 3)}, the SMPL-X mesh of {bodies.name}; "
            f"found {vertices.shape}."
        )
    if joints.ndim != 2 or joints.shape[1] != 3 or len(joints) < JOINTS:
        raise InputError(f"{where}: allSmplJoints3d must be (127, 3) [m], found {joints.shape}.")
    for name, points in (("allSmplJoints3d", joints), ("verts", vertices)):
        reach = float(np.linalg.norm(points - joints[0], axis=1).max())
        if reach > LARGEST_REACH:
            raise InputError(
                f"{where}: {name} reach {reach:,.0f} m from the first joint; millimetres given as "
                "metres? Expected [m]."
            )
    return joints[:JOINTS], vertices


def _columns(said: Mapping[str, Any], where: str, bodies: BodySet) -> dict[str, Any]:
    """One row of instance columns from parameters."""
    params: Mapping[str, Any] = said["params"]
    gender, kid = str(said.get("gender", "neutral")), bool(said.get("kid_flag", False))
    if gender not in GENDERS:
        raise InputError(f"{where}: gender must be one of {', '.join(GENDERS)}; found {gender!r}.")
    if kid and gender == "female":  # girls have the neutral body
        gender = "neutral"
    vectors = bool(said.get("pose2rot", True))
    found: dict[str, Any] = {"gender": gender, "source_model": "smplx"}
    for name, count in ROTATIONS.items():
        found[name] = _rotation(params, name, count, vectors, where)
    for name, size in VECTORS.items():
        found[name] = _sized(params, name, size, where)
    if vectors:
        model = bodies.model("smplx", gender)
        for side in ("left", "right"):
            found[f"{side}_hand_pose"] = found[f"{side}_hand_pose"] + model.hand_mean(side)
    wanted = BETAS + 1 if kid else int(said.get("num_betas", BETAS))
    betas = _array(params, "betas", where).ravel()
    if len(betas) < wanted:
        raise InputError(f"{where}: expected {wanted} betas, found {len(betas)}.")
    shape = betas[: BETAS if kid else wanted]
    found["betas"] = np.pad(shape[:16], (0, 16 - len(shape[:16])))
    found["betas_more"] = shape[16:]
    found["kid"] = float(betas[BETAS]) if kid else 0.0
    refuse_wrong_units({n: v[None] for n, v in found.items() if n in (*ROTATIONS, "transl")}, where)
    return found


def _rotation(
    params: Mapping[str, Any], name: str, count: int, vectors: bool, where: str
) -> Floats:
    """(3·count,) axis-angle, from vectors or matrices."""
    if vectors:
        return _sized(params, name, 3 * count, where)
    return axis_angle(_sized(params, name, 9 * count, where).reshape(count, 3, 3)).ravel()


def _sized(params: Mapping[str, Any], name: str, size: int, where: str) -> Floats:
    values = _array(params, name, where)
    if values.size != size:
        raise InputError(f"{where}: {name} must have {size} values, found {values.shape}.")
    return values.ravel()


def _array(said: Mapping[str, Any], name: str, where: str) -> Floats:
    """A value without axes of length 1, float64 and finite."""
    if name not in said:
        raise InputError(f"{where}: {name} is missing; there are {', '.join(map(str, said))}.")
    try:
        values = np.squeeze(np.asarray(said[name], np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {name} is no array of numbers ({error}).") from error
    if not np.isfinite(values).all():
        raise InputError(
            f"{where}: {name} is not finite; the official code does not return for such a file. "
            "Leave the person out, or write numbers."
        )
    return values
