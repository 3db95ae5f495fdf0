"""Draws people: who they are (shape, clothes) and what they do (pose, hands, face)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.world import anatomy, clearance, hands, poses
from ehpsbench.world.looks import Look, looks
from ehpsbench.world.people import Person, model_of
from ehpsbench.world.settings import WorldSettings

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]

__all__ = ["cast"]

# subjects of a pool come from a stream of their own, the same for every block of scenes
_POOL, _BLOCK = 101, 102


def cast(
    settings: WorldSettings,
    count: int,
    seed: int,
    block: int,
    bodies: BodySet,
    *,
    family: str = "smplx",
    genders: Sequence[str] = ("neutral",),
) -> list[Person]:
    """People at the origin, upright with y up; `Scene`s place them.

    Args:
        settings: the world.
        count: how many.
        seed: of the whole world.
        block: which lot of scenes they are for; lots differ in everything but their pool.
        bodies: the body models.
        family: smplx, smpl, mano_left or mano_right.
        genders: body models to choose from.
    """
    rng = np.random.default_rng([seed, _BLOCK, block])
    if settings.subjects:
        who = rng.integers(settings.subjects, size=count)
        pool = _identities(
            settings, settings.subjects, np.random.default_rng([seed, _POOL]), genders
        )
        identities = [pool[place] for place in who]
    else:
        who = block * 100_000 + np.arange(count)
        identities = _identities(settings, count, rng, genders)
    betas = np.array([identity[3] for identity in identities]).reshape(-1, 16)
    actions = _actions(settings, betas, rng, bodies, family)
    names = actions.pop("pose_family")
    people = []
    for row, (gender, subject_gender, look, shape, kid, bumps) in enumerate(identities):
        person = Person(
            family=family,
            gender=gender,
            subject=int(who[row]),
            subject_gender=subject_gender,
            pose_family=str(names[row]),
            look=look,
            betas=shape,
            kid=kid if family in ("smplx", "smpl") else 0.0,
            transl=np.zeros(3),
            **{name: values[row] for name, values in actions.items()},
        )
        people.append(_with_template(person, bumps, bodies) if settings.templates else person)
    return people


_Identity = tuple[str, str, Look, Floats, float, Floats]


def _identities(
    settings: WorldSettings, count: int, rng: np.random.Generator, genders: Sequence[str]
) -> list[_Identity]:
    model = rng.integers(len(genders), size=count)
    sex = rng.integers(2, size=count)
    betas = np.zeros((count, 16))
    draws = np.clip(rng.standard_normal((count, 16)), -2.5, 2.5)
    betas[:, : settings.num_betas] = settings.shape_scale * draws[:, : settings.num_betas]
    is_kid = rng.random(count) < settings.kids
    kid = np.where(is_kid, 0.35 + 0.6 * rng.random(count), 0.0)
    bumps = rng.standard_normal((count, 4, 3))
    dressed = looks(count, rng, settings.clothing)
    result = []
    for row in range(count):
        gender = genders[model[row]]
        subject = gender if gender != "neutral" else ("female", "male")[sex[row]]
        identity = (gender, subject, dressed[row], betas[row], float(kid[row]), bumps[row])
        result.append(identity)
    return result


def _actions(
    settings: WorldSettings, betas: Floats, rng: np.random.Generator, bodies: BodySet, family: str
) -> dict[str, NDArray[Any]]:
    count = len(betas)
    names, angles = poses.sampled(settings.pose_families, count, rng, settings.pose_scale)
    components = np.eye(45)
    if bodies.has("smplx", "neutral"):
        model = bodies.model("smplx", "neutral")
        components = np.asarray(model.left_hand_components, np.float64)
        if not family.startswith("mano"):
            angles = clearance.cleared(angles, betas, model)
    lean, body_pose = anatomy.body_pose(angles)
    left, right = (
        hands.sampled(settings.hands, components, count, rng, settings.hand_scale) for _ in range(2)
    )
    gaze = rng.standard_normal((count, 3)) * [0.1, 0.15, 0] * settings.expression_scale
    jaw = np.zeros((count, 3))
    opening = np.maximum(rng.standard_normal(count), 0)
    jaw[:, 0] = np.minimum(0.14 * settings.expression_scale * opening, 0.4)
    face = np.clip(rng.standard_normal((count, 10)), -2, 2) * settings.expression_scale
    turn = rng.standard_normal((count, 6)) * 0.08
    return {
        "pose_family": np.array(names),
        "global_orient": _any_turn(count, rng) if family.startswith("mano") else lean,
        "body_pose": body_pose,
        "smpl_hand_pose": turn,
        "left_hand_pose": left,
        "right_hand_pose": hands.mirrored(right),
        "jaw_pose": jaw,
        "leye_pose": gaze,
        "reye_pose": gaze.copy(),
        "expression": face,
    }


def _any_turn(count: int, rng: np.random.Generator) -> Floats:
    """Rotations of a free hand, (N, 3), in every direction."""
    axis = rng.standard_normal((count, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    return np.asarray(axis * rng.uniform(0, np.pi, (count, 1)))


def _with_template(person: Person, bumps: Floats, bodies: BodySet) -> Person:
    """The person with a rest mesh of their own: their shape, and clothes-like smooth bumps."""
    model = model_of(person, bodies)
    betas = person.betas[: model.shapedirs.shape[2]]
    rest = model.v_template + model.shapedirs[:, :, : len(betas)] @ betas
    waves = np.sin(rest @ (bumps[:3] * 6) + bumps[3] * 3)
    template = rest + 0.004 * waves
    return replace(person, template=template, betas=np.zeros(16), kid=0.0)
