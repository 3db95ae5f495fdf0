"""A scene that moves: the same people over several frames, turning their joints smoothly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ehpsbench import geometry
from ehpsbench.world.people import Person
from ehpsbench.world.scenes import Scene

Floats = NDArray[np.float64]

__all__ = ["motion"]

_MOTION = 105


def motion(
    scene: Scene, frames: int, seed: int, *, degrees: float = 6.0, step: float = 0.04
) -> list[Scene]:
    """Frames of a moving scene; the first is the scene itself.

    Args:
        scene: where it starts; its cameras stand still.
        frames: how many.
        seed: the same seed gives the same motion.
        degrees: amplitude of every joint's swing, per axis [deg].
        step: amplitude of the sway of the whole body [m].
    """
    rng = np.random.default_rng([seed, _MOTION, scene.seed])
    moving = [_moved(person, frames, rng, np.radians(degrees), step) for person in scene.people]
    return [
        replace(scene, people=tuple(person[frame] for person in moving)) for frame in range(frames)
    ]


def _moved(
    person: Person, frames: int, rng: np.random.Generator, angle: float, step: float
) -> list[Person]:
    body = _turned(person.body_pose, _swing(frames, (21, 3), rng) * angle)
    left = _turned(person.left_hand_pose, _swing(frames, (15, 3), rng) * angle)
    right = _turned(person.right_hand_pose, _swing(frames, (15, 3), rng) * angle)
    place = person.transl + _swing(frames, (3,), rng) * step * [1, 0.2, 1]
    return [
        replace(
            person,
            body_pose=body[frame],
            left_hand_pose=left[frame],
            right_hand_pose=right[frame],
            transl=place[frame],
        )
        for frame in range(frames)
    ]


def _swing(frames: int, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """(T, *shape) slow sines that start at zero; one period takes 20 to 60 frames."""
    rate = 2 * np.pi / rng.uniform(20, 60, shape)
    time = np.arange(frames).reshape(-1, *[1] * len(shape))
    return np.asarray(np.sin(rate * time) * rng.choice([-1.0, 1.0], shape))


def _turned(pose: Floats, turns: Floats) -> Floats:
    """(3k,) rotations, turned by (T, k, 3) axis-angle each: (T, 3k)."""
    base = geometry.rotation_matrix(pose.reshape(-1, 3))
    return geometry.compose(base, turns).reshape(len(turns), -1)
