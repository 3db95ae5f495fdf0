"""Where a person stands, so that the camera sees them and nobody stands in anybody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ehpsbench import geometry
from ehpsbench.world.camera import Camera
from ehpsbench.world.settings import WorldSettings

Floats = NDArray[np.float64]

__all__ = ["FRAMED_JOINTS", "Place", "place"]

_UPPER = (9, 12, 13, 14, 15, 16, 17, 18, 19)
FRAMED_JOINTS = {
    "whole": tuple(range(22)),
    "upper": _UPPER,
    "left_hand": (20, *range(25, 40)),
    "right_hand": (21, *range(40, 55)),
}
# flesh around the framed joints, as a share of their extent: head top, fingertips
_FLESH = {"whole": 0.14, "upper": 0.4, "left_hand": 0.35, "right_hand": 0.35}
_CANDIDATES, _ROUNDS = 32, 4
_NEAR = 0.25  # m, nearest joint in front of the camera
_APART = 0.26  # m, nearest joints of two people
_SOLE = 0.05  # m, skin under the lowest joint


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Turn (3, 3) from the body's rest axes to the scene, pelvis (3,) and joints (J, 3) there."""

    turn: Floats
    pelvis: Floats
    joints: Floats

    @property
    def floor(self) -> float:
        """Scene y of the ground under the feet [m]; down is positive."""
        return float(self.joints[:22, 1].max() + _SOLE)


def place(
    joints: Floats,
    lean: Floats,
    camera: Camera,
    settings: WorldSettings,
    rng: np.random.Generator,
    *,
    others: Sequence[Place] = (),
    floor: float | None = None,
) -> Place | None:
    """A place where enough of the framed joints are seen and nobody stands in anybody.

    Args:
        joints: (J, 3) posed about the origin, with y up and the root not yet turned [m].
        lean: (3, 3) the pose's own turn of the root.
        camera: the view that must see the person.
        settings: framing, fill or distance, spread, yaw and least share inside.
        rng: where the randomness comes from.
        others: people who already have a place.
        floor: scene y to stand on if that can be seen, or None for anywhere.

    Returns:
        The first good candidate; where there is none, the best for a scene's first person and
        None for later ones.
    """
    body = _Body(joints - joints[0], lean, _framed(len(joints), settings.framing))
    best: tuple[float, Place] | None = None
    for _ in range(_ROUNDS):
        turns, pelvis = _candidates(body, camera, settings, rng)
        choices = [pelvis] if floor is None else [_grounded(body, turns, pelvis, floor), pelvis]
        for centres in choices:
            placed = body.offsets @ turns.transpose(0, 2, 1) + centres[:, None]
            inside, front = _seen(placed, camera, body.framed)
            free = _free(placed, others)
            good = np.flatnonzero((inside >= settings.min_inside) & front & free)
            score = np.where(front & free, inside, -1.0)
            pick = int(good[0]) if len(good) else int(np.argmax(score))
            found = Place(turns[pick], centres[pick], placed[pick])
            if len(good):
                return found
            if best is None or score[pick] > best[0]:
                best = (float(score[pick]), found)
    return best[1] if best is not None and not others else None


@dataclass(frozen=True, slots=True, eq=False)
class _Body:
    offsets: Floats  # (J, 3) from the pelvis, rest axes
    lean: Floats
    framed: NDArray[np.intp]


def _framed(count: int, framing: str) -> NDArray[np.intp]:
    """The joints to frame; a hand of its own is framed whole, whatever was asked."""
    wanted = np.array(FRAMED_JOINTS[framing], np.intp)
    if count < 22:
        return np.arange(count)
    return wanted[wanted < count] if (wanted < count).any() else np.arange(22)


def _candidates(
    body: _Body, camera: Camera, settings: WorldSettings, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Turns (K, 3, 3) and pelvis places (K, 3) that put what is framed on a random ray."""
    draws = rng.random((_CANDIDATES, 5))
    size = np.array([camera.width, camera.height], np.float64)
    target = size * (0.5 + settings.spread * (draws[:, :2] - 0.5))
    ray = np.ones((_CANDIDATES, 3))
    ray[:, :2] = (target - camera.principal_point) / camera.focal
    bearing = np.arctan2(*np.moveaxis((ray @ camera.rotation)[:, [0, 2]], -1, 0))
    yaw = np.radians(_between(settings.yaw_deg, draws[:, 2]))
    upright = geometry.rotate_y(bearing + yaw) @ geometry.rotate_x(np.pi)
    turns = upright @ body.lean
    seen = body.offsets[body.framed] @ (camera.rotation @ turns).transpose(0, 2, 1)
    low, high = seen.min(1), seen.max(1)
    distance = _distance(high - low, len(body.offsets), camera, settings, draws[:, 3])
    pelvis = distance[:, None] * ray - (low + high) / 2
    return turns, camera.to_scene(pelvis)


def _distance(
    extent: Floats, joints: int, camera: Camera, settings: WorldSettings, draw: Floats
) -> Floats:
    """(K,) depth of the centre of what is framed [m]."""
    if settings.distance is not None:
        return _between(settings.distance, draw)
    framing = settings.framing if joints >= 22 else "right_hand"
    grown = extent[:, :2] * (1 + _FLESH[framing])
    share = (grown * camera.focal / [camera.width, camera.height]).max(1)
    return np.asarray(share / _between(settings.fill, draw) + extent[:, 2] / 2)


def _grounded(body: _Body, turns: Floats, pelvis: Floats, floor: float) -> Floats:
    """The same places, moved up or down until the feet are on the floor."""
    lowest = (body.offsets[:22] @ turns.transpose(0, 2, 1))[..., 1].max(1)
    moved = pelvis.copy()
    moved[:, 1] = floor - _SOLE - lowest
    return moved


def _seen(
    placed: Floats, camera: Camera, framed: NDArray[np.intp]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Share of the framed joints inside the image, and whether all joints are in front: (K,)."""
    local = camera.to_camera(placed)
    front = np.asarray((local[..., 2] > _NEAR).all(1))
    pixels = camera.pixels(np.where(front[:, None, None], local, 1.0)[:, framed])
    inside = ((pixels >= 0) & (pixels < [camera.width, camera.height])).all(-1).mean(1)
    return np.where(front, inside, 0.0), front


def _free(placed: Floats, others: Sequence[Place]) -> NDArray[np.bool_]:
    """(K,) whether no joint comes near a joint of somebody else."""
    if not others:
        return np.ones(len(placed), bool)
    taken = np.concatenate([other.joints[:22] for other in others])
    mine = placed[:, :22]
    squares = (mine**2).sum(-1)[..., None] + (taken**2).sum(-1) - 2 * mine @ taken.T
    return np.asarray((squares > _APART**2).all((1, 2)))


def _between(pair: tuple[float, float], draw: Floats) -> Floats:
    return pair[0] + (pair[1] - pair[0]) * draw
