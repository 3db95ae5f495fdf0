"""What a release says about its people: the truth, or the truth with noise, or somebody else's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench import geometry
from ehpsbench.world.people import Person, rest_pelvis
from ehpsbench.world.scenes import Scene
from ehpsbench.world.settings import WorldSettings

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]

__all__ = ["labels"]

_LABELS = 104
_NOISY_POSES = ("body_pose", "left_hand_pose", "right_hand_pose", "jaw_pose")
_BORROWED = (
    *("body_pose", "smpl_hand_pose", "left_hand_pose", "right_hand_pose", "jaw_pose"),
    *("leye_pose", "reye_pose", "expression"),
)


def labels(
    scenes: Sequence[Scene], settings: WorldSettings, seed: int, bodies: BodySet
) -> list[tuple[Person, ...]]:
    """The people of all scenes as the release labels them, in the scene frame.

    Shuffled labels keep everyone's place in the image (the pelvis) and take pose, shape and the
    direction relative to the camera from somebody else; then noise is added. Without either
    knob the people come back as they are.
    """
    rng = np.random.default_rng([seed, _LABELS])
    people = [person for scene in scenes for person in scene.people]
    if settings.shuffle_labels and len(people) > 1:
        people = _shuffled(scenes, people, rng, bodies)
    people = [_noisy(person, settings, rng) for person in people]
    ends = np.cumsum([0, *(len(scene.people) for scene in scenes)])
    return [tuple(people[a:b]) for a, b in pairwise(ends)]


def _shuffled(
    scenes: Sequence[Scene], people: Sequence[Person], rng: np.random.Generator, bodies: BodySet
) -> list[Person]:
    views = [scene.cameras[0].rotation for scene in scenes for _ in scene.people]
    order = rng.permutation(len(people))
    donor = np.empty(len(people), np.intp)
    donor[order] = np.roll(order, 1)  # one cycle: nobody keeps their own
    pelvis = rest_pelvis(people, bodies) + np.array([person.transl for person in people])
    borrowed = []
    for row, person in enumerate(people):
        other = people[donor[row]]
        between = views[row].T @ views[donor[row]]
        taken = {name: getattr(other, name) for name in _BORROWED}
        taken["global_orient"] = geometry.compose(between, other.global_orient)
        if person.gender == other.gender and person.template is None and other.template is None:
            taken |= {"betas": other.betas, "kid": other.kid}
        borrowed.append(replace(person, **taken))
    rest = rest_pelvis(borrowed, bodies)
    return [replace(person, transl=pelvis[row] - rest[row]) for row, person in enumerate(borrowed)]


def _noisy(person: Person, settings: WorldSettings, rng: np.random.Generator) -> Person:
    """Random rotations on every joint, on the root, and jitter on place and shape."""
    changed: dict[str, Any] = {}
    if settings.label_noise_deg:
        for name in _NOISY_POSES:
            changed[name] = _turned(getattr(person, name), settings.label_noise_deg, rng)
    if settings.orient_noise_deg:
        changed["global_orient"] = _turned(person.global_orient, settings.orient_noise_deg, rng)
    if settings.transl_noise_mm:
        jitter = rng.standard_normal(3) * settings.transl_noise_mm / 1000
        changed["transl"] = person.transl + jitter
    if settings.shape_noise and person.template is None:
        real = np.arange(16) < settings.num_betas
        changed["betas"] = person.betas + rng.standard_normal(16) * settings.shape_noise * real
    return replace(person, **changed) if changed else person


def _turned(pose: Floats, degrees: float, rng: np.random.Generator) -> Floats:
    """(3k,) rotations, each turned about a random axis; `degrees` is the deviation per axis."""
    joints = pose.reshape(-1, 3)
    noise = rng.standard_normal(joints.shape) * np.radians(degrees)
    turned = geometry.rotation_matrix(joints) @ geometry.rotation_matrix(noise)
    return geometry.axis_angle(turned).reshape(pose.shape)
