"""A person: the parameters of a body, where it stands in the scene, and how it is dressed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench import geometry
from ehpsbench.world.camera import Camera
from ehpsbench.world.looks import Look

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.body.model import BodyModel

Floats = NDArray[np.float64]

__all__ = [
    "PARAMETERS",
    "Person",
    "in_camera",
    "model_of",
    "posed",
    "posed_joints",
    "rest_pelvis",
    "stacked",
]

PARAMETERS: Mapping[str, int] = {
    "global_orient": 3,
    "body_pose": 63,
    "smpl_hand_pose": 6,
    "left_hand_pose": 45,
    "right_hand_pose": 45,
    "jaw_pose": 3,
    "leye_pose": 3,
    "reye_pose": 3,
    "expression": 10,
    "betas": 16,
    "transl": 3,
}
_BY_FAMILY = {
    "smplx": set(PARAMETERS) - {"smpl_hand_pose"},
    "smplh": set(PARAMETERS)
    - {"smpl_hand_pose", "jaw_pose", "leye_pose", "reye_pose", "expression"},
    "smpl": {"global_orient", "body_pose", "smpl_hand_pose", "betas", "transl"},
    "mano_left": {"global_orient", "left_hand_pose", "betas", "transl"},
    "mano_right": {"global_orient", "right_hand_pose", "betas", "transl"},
}


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person in the scene frame; angles are axis-angle [rad], hands absolute.

    `family` is smplx, smplh, smpl, mano_left or mano_right; `gender` is that of the body model;
    `subject` tells who it is; a `template` (V, 3) takes the place of betas.
    """

    family: str
    gender: str
    subject: int
    subject_gender: str
    pose_family: str
    look: Look
    global_orient: Floats
    body_pose: Floats
    smpl_hand_pose: Floats
    left_hand_pose: Floats
    right_hand_pose: Floats
    jaw_pose: Floats
    leye_pose: Floats
    reye_pose: Floats
    expression: Floats
    betas: Floats
    transl: Floats
    kid: float = 0.0
    template: Floats | None = None


def model_of(person: Person, bodies: BodySet) -> BodyModel:
    """The body model that the person's parameters belong to."""
    family, _, side = person.family.partition("_")
    return bodies.model(family, side or person.gender)


def stacked(people: Sequence[Person]) -> dict[str, Floats]:
    """Every parameter of `PARAMETERS` as (N, k), and `kid` as (N,)."""
    columns = {
        name: np.array([getattr(person, name) for person in people], np.float64).reshape(-1, size)
        for name, size in PARAMETERS.items()
    }
    columns["kid"] = np.array([person.kid for person in people], np.float64)
    return columns


def rest_pelvis(people: Sequence[Person], bodies: BodySet) -> Floats:
    """The point that each body turns about, before `transl`: (N, 3) [m]; a hand's wrist."""
    result = np.empty((len(people), 3))
    for model, rows in _groups(people, bodies):
        group = [people[row] for row in rows]
        shape = stacked(group)
        template = _templates(group)
        joints = model.rest_joints(
            shape["betas"],
            shape["kid"] if shape["kid"].any() else None,
            template=template,
        )
        result[rows] = joints[:, 0]
    return result


def in_camera(
    people: Person | Sequence[Person], camera: Camera, bodies: BodySet
) -> dict[str, Floats]:
    """Body parameters as a perfect label in the camera frame would have them.

    Args:
        people: one person, or N of them.
        camera: the view.
        bodies: the body models, for the rest pelvis.

    Returns:
        Every parameter of `PARAMETERS` and `kid`: vectors for one person, (N, k) for several.
    """
    if isinstance(people, Person):
        columns = in_camera([people], camera, bodies)
        return {name: values[0] for name, values in columns.items()}
    columns = stacked(people)
    columns["global_orient"], columns["transl"] = geometry.body_to_camera(
        camera.rotation,
        camera.translation,
        columns["global_orient"],
        columns["transl"],
        rest_pelvis(people, bodies),
    )
    return columns


def posed(people: Sequence[Person], bodies: BodySet) -> list[NDArray[np.float32]]:
    """Vertices of every person in the scene frame, (V_i, 3) [m]."""
    result: list[NDArray[np.float32]] = [np.empty((0, 3), np.float32)] * len(people)
    for model, rows in _groups(people, bodies):
        body = _forward(model, [people[row] for row in rows], joints_only=False)
        for row, vertices in zip(rows, body.vertices.numpy(), strict=True):
            result[row] = vertices
    return result


def posed_joints(people: Sequence[Person], bodies: BodySet) -> list[Floats]:
    """Joints of every person in the scene frame, (J_i, 3) [m], in the order of the family."""
    result: list[Floats] = [np.empty((0, 3))] * len(people)
    for model, rows in _groups(people, bodies):
        body = _forward(model, [people[row] for row in rows], joints_only=True)
        for row, joints in zip(rows, body.joints.numpy().astype(np.float64), strict=True):
            result[row] = joints
    return result


def _groups(
    people: Sequence[Person], bodies: BodySet
) -> Iterator[tuple[BodyModel, NDArray[np.intp]]]:
    """People who can be posed in one call, by model and by whether they have a template."""
    keys: dict[tuple[str, str, bool, bool], list[int]] = {}
    for row, person in enumerate(people):
        key = (person.family, person.gender, person.template is not None, person.kid > 0)
        keys.setdefault(key, []).append(row)
    for rows in keys.values():
        yield model_of(people[rows[0]], bodies), np.array(rows, np.intp)


def _templates(people: Sequence[Person]) -> Floats | None:
    meshes = [person.template for person in people if person.template is not None]
    return np.stack(meshes) if meshes else None


def _forward(model: BodyModel, people: Sequence[Person], joints_only: bool) -> Any:
    from ehpsbench.body.forward import forward

    columns = stacked(people)
    inputs: dict[str, Any] = {name: columns[name] for name in _BY_FAMILY[people[0].family]}
    if columns["kid"].any():
        inputs["kid"] = columns["kid"]
    return forward(model, template=_templates(people), joints_only=joints_only, **inputs)
