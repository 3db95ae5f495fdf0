"""Scenes: people in their places, the cameras that see them, and what stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench import geometry
from ehpsbench.world import people as persons
from ehpsbench.world.camera import Camera, look
from ehpsbench.world.casting import cast
from ehpsbench.world.people import Person, in_camera
from ehpsbench.world.placement import FRAMED_JOINTS, Place, place
from ehpsbench.world.settings import WorldSettings

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]
Cameras = Callable[[np.random.Generator, int], Camera | Sequence[Camera]]

__all__ = ["Occluder", "Scene", "in_camera", "posed_joints", "posed_people", "scenes"]

_BLOCK = 32  # scenes drawn at once; a scene does not depend on how many are asked for
_SCENE = 103


@dataclass(frozen=True, slots=True, eq=False)
class Occluder:
    """A box in the scene: axes (3, 3) as columns, half sizes (3,) and centre (3,) [m], colour."""

    axes: Floats
    half: Floats
    centre: Floats
    colour: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """People and cameras in one frame: x right, y down, z forward, gravity +y, metres.

    `floor` is the y of the ground; `seed` makes background, light and noise.
    """

    people: tuple[Person, ...]
    cameras: tuple[Camera, ...]
    floor: float
    occluders: tuple[Occluder, ...]
    background: str
    seed: int


def scenes(
    settings: WorldSettings,
    count: int,
    seed: int,
    bodies: BodySet,
    *,
    cameras: Cameras | None = None,
    family: str = "smplx",
    genders: Sequence[str] = ("neutral",),
) -> list[Scene]:
    """Random scenes; the first camera of each sees its people as `settings` asks.

    Scene i is the same whatever `count` is, and from `settings.distinct` on the scenes are those
    at the start again. Where a crowd does not fit, people are left out.

    Args:
        settings: the world.
        count: how many scenes.
        seed: the same seed gives the same scenes.
        bodies: the body models.
        cameras: (rng, index) → one camera or several; from `settings` by default.
        family: smplx, smpl, mano_left or mano_right.
        genders: body models that people may have.
    """
    view = cameras if cameras is not None else _camera_maker(settings)
    result: list[Scene] = []
    drawn = min(count, settings.distinct or count)
    for start in range(0, drawn, _BLOCK):
        wanted = min(_BLOCK, drawn - start)
        rngs = [np.random.default_rng([seed, _SCENE, start + i]) for i in range(_BLOCK)]
        low, high = settings.people
        sizes = [int(rng.integers(low, high + 1)) for rng in rngs]
        crowd = cast(
            settings, sum(sizes), seed, start // _BLOCK, bodies, family=family, genders=genders
        )
        crowd = crowd[: sum(sizes[:wanted])]
        joints = _joints_about_the_root(crowd, bodies)
        ends = np.cumsum([0, *sizes[:wanted]])
        for i in range(wanted):
            rows = slice(ends[i], ends[i + 1])
            views = view(rngs[i], start + i)
            chosen = (views,) if isinstance(views, Camera) else tuple(views)
            result.append(_scene(crowd[rows], joints[rows], chosen, settings, rngs[i]))
    return [result[i % drawn] for i in range(count)]


def posed_people(scene: Scene, bodies: BodySet) -> list[NDArray[np.float32]]:
    """The true vertices of everybody, in the scene frame: (V_i, 3) [m]."""
    return persons.posed(scene.people, bodies)


def posed_joints(scene: Scene, bodies: BodySet) -> list[Floats]:
    """The true joints of everybody, in the scene frame: (J_i, 3) [m]."""
    return persons.posed_joints(scene.people, bodies)


def _camera_maker(settings: WorldSettings) -> Cameras:
    def camera(rng: np.random.Generator, index: int) -> Camera:
        pitch, roll, view = np.radians(
            [
                rng.uniform(*pair)
                for pair in (settings.pitch_deg, settings.roll_deg, settings.fov_deg)
            ]
        )
        return look(pitch=pitch, roll=roll, field_of_view=float(view), size=settings.size)

    return camera


def _joints_about_the_root(people: Sequence[Person], bodies: BodySet) -> list[Floats]:
    """Joints of people whose root is not turned: (J_i, 3)."""
    still = [replace(person, global_orient=np.zeros(3)) for person in people]
    return persons.posed_joints(still, bodies)


def _scene(
    crowd: Sequence[Person],
    joints: Sequence[Floats],
    cameras: tuple[Camera, ...],
    settings: WorldSettings,
    rng: np.random.Generator,
) -> Scene:
    places: list[Place] = []
    placed: list[Person] = []
    for person, points in zip(crowd, joints, strict=True):
        lean = geometry.rotation_matrix(person.global_orient)
        floor = places[0].floor if places and len(points) >= 22 else None
        found = place(points, lean, cameras[0], settings, rng, others=places, floor=floor)
        if found is not None:
            places.append(found)
            placed.append(
                replace(
                    person,
                    global_orient=geometry.axis_angle(found.turn),
                    transl=found.pelvis - points[0],
                )
            )
    return Scene(
        people=tuple(placed),
        cameras=cameras,
        floor=places[0].floor,
        occluders=_occluders(places, cameras[0], settings, rng),
        background=settings.background,
        seed=int(rng.integers(2**31)),
    )


def _occluders(
    places: Sequence[Place], camera: Camera, settings: WorldSettings, rng: np.random.Generator
) -> tuple[Occluder, ...]:
    """Boxes between the camera and a joint of somebody."""
    low, high = settings.occluders
    result = []
    for _ in range(int(rng.integers(low, high + 1))):
        joints = places[int(rng.integers(len(places)))].joints
        target = joints[int(rng.integers(min(len(joints), 22)))]
        share = rng.uniform(0.55, 0.8)
        centre = camera.position + share * (target - camera.position)
        framed = [joint for joint in FRAMED_JOINTS[settings.framing] if joint < len(joints)]
        extent = np.ptp(joints[framed or slice(None)], axis=0).max()
        half = extent * share * rng.uniform(0.06, 0.16, 3)
        colour = rng.integers(30, 226, 3).astype(np.uint8)
        axes = geometry.rotate_y(rng.uniform(0, np.pi))
        result.append(Occluder(axes, half, centre, colour))
    return tuple(result)
