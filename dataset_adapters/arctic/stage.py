"""The studio of the miniature ARCTIC: its subjects, sequences and nine views."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.arctic.views import DROPPED, EGO, VIEWS
from ehpsbench.world.camera import Camera, look_at, ring
from ehpsbench.world.people import posed_joints
from ehpsbench.world.scenes import Scene, scenes

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.settings import WorldSettings

Floats = NDArray[np.float64]

MOST_FRAMES = 200  # labelled ones of a sequence
STATIC_SIZE, EGO_SIZE = (2800, 2000), (2000, 2800)  # height, width [px]
EGO_FOCAL = 1150.0
DISTORTION = np.array([0.12, 0.02, 3e-4, -2e-4, 0.004, 0.35, 0.05, 0.006])
DISTANCE = 3.4  # m, of the static cameras
HEAD, EYES, WRISTS, SPINE = 15, [23, 24], [20, 21], 3
LEAST_JOINTS_SEEN = 6  # with fewer in the image the owners would call the view invalid
RULES = ("finite", "angles", "in_front_of_camera")  # a frame each; the last in the ego view only
# Vicon frame: z up, and its origin not that of the scene (y down)
TO_VICON = Camera(
    rotation=np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
    translation=np.array([0.4, -3.1, 1.2]),
    focal=np.ones(2),
    principal_point=np.zeros(2),
    height=1,
    width=1,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject of the sample; `offset` is the number of the image that shows row 0."""

    name: str
    gender: str
    split: str
    offset: int


SUBJECTS = (
    Subject("s04", "male", "train", 12),  # images 10 and 11 are not dropped, but have no row
    Subject("s05", "female", "val", 3),
    Subject("s01", "female", "train", 1),
)
WITHHELD = Subject("s03", "male", "test", 2)


@dataclass(frozen=True, slots=True)
class Sequence:
    """One sequence of L labelled frames.

    Attributes:
        subject: who acts.
        name: as the owners name it.
        worlds: L scenes, of one person each.
        views: L tuples of nine cameras; the first is on the head.
        valid: (L, 9) the owners' flag.
        broken: rule by index of the frame.
    """

    subject: Subject
    name: str
    worlds: list[Scene]
    views: list[tuple[Camera, ...]]
    valid: NDArray[np.bool_]
    broken: dict[int, str]

    @property
    def key(self) -> str:
        """As the protocols name it."""
        return f"{self.subject.name}/{self.name}"

    @property
    def stems(self) -> NDArray[np.int64]:
        """(L,) numbers of the labelled images; the row of one is stem − offset."""
        first = max(DROPPED, self.subject.offset)
        return np.arange(first, first + len(self.worlds), dtype=np.int64)

    @property
    def rows(self) -> int:
        """Number of label rows: the last ten image numbers below it are dropped."""
        return int(self.stems[-1]) + 1 + DROPPED

    @property
    def scene_of_row(self) -> NDArray[np.int64]:
        """(rows,) the frame whose scene a label row shows."""
        stem = np.arange(self.rows) + self.subject.offset
        return np.asarray(np.clip(stem - self.stems[0], 0, len(self.worlds) - 1))


def staged(
    settings: WorldSettings,
    people: int,
    split: str | None,
    seed: int,
    scale: float,
    bodies: BodySet,
) -> list[Sequence]:
    """Sequences with about `people` people times views.

    Args:
        settings: the world; everybody is alone and has a rest mesh of their own.
        people: how many rows.
        split: only this one, with nothing special; None: all, with broken frames.
        seed: of the world.
        scale: of the images.
        bodies: the body models.
    """
    subjects = SUBJECTS[:2] if split is None else [s for s in SUBJECTS if s.split == split]
    frames = -(-people // (VIEWS * len(subjects)))
    found: list[Sequence] = []
    for number, subject in enumerate(subjects):
        rig = tuple(camera.scaled(scale) for camera in _rig(number))
        broken = RULES if split is None and number == 0 else ()
        worlds = _worlds(settings, subject, frames + len(broken), seed + number, rig, bodies)
        for part, start in enumerate(range(0, len(worlds), MOST_FRAMES)):
            chosen = worlds[start : start + MOST_FRAMES]
            rules = {frames + i - start: rule for i, rule in enumerate(broken)}
            here = {i: rule for i, rule in rules.items() if 0 <= i < len(chosen)}
            name = f"box_use_{part + 1:02d}"
            found.append(_sequence(subject, name, chosen, here, rig, scale, split is None, bodies))
    return found


def _rig(number: int) -> tuple[Camera, ...]:
    """Eight static cameras around the stage; each subject has its own."""
    radius = DISTANCE + 0.1 * number
    target = (0.0, 0.0, radius)
    return ring(
        VIEWS - 1, target=target, radius=radius, pitch=0.15, size=STATIC_SIZE, field_of_view=0.72
    )


def _worlds(
    settings: WorldSettings,
    subject: Subject,
    count: int,
    seed: int,
    rig: tuple[Camera, ...],
    bodies: BodySet,
) -> list[Scene]:
    """Scenes of one subject, whose face has no expression: the release has none."""
    depth = float(np.linalg.norm(rig[0].position - [0, 0, DISTANCE]))
    alone = {
        "people": (1, 1),
        "framing": "whole",
        "kids": 0.0,
        "subjects": 1,
        "templates": True,
        "distance": (depth - 0.2, depth + 0.2),
        "spread": min(settings.spread, 0.3),
    }
    made = scenes(
        settings.model_copy(update=alone),
        count,
        seed,
        bodies,
        cameras=lambda rng, index: rig,
        genders=(subject.gender,),
    )
    still = np.zeros(10)
    return [replace(s, people=tuple(replace(p, expression=still) for p in s.people)) for s in made]


def _sequence(
    subject: Subject,
    name: str,
    worlds: list[Scene],
    broken: dict[int, str],
    rig: tuple[Camera, ...],
    scale: float,
    special: bool,
    bodies: BodySet,
) -> Sequence:
    joints = posed_joints([world.people[0] for world in worlds], bodies)
    views = [(_on_the_head(j).scaled(scale), *rig) for j in joints]
    valid = np.array(
        [
            [_seen(c, j) >= LEAST_JOINTS_SEEN for c in row]
            for row, j in zip(views, joints, strict=True)
        ]
    )
    if special:
        valid[0, VIEWS - 1] = False
    for index, rule in broken.items():
        valid[index, EGO] |= rule == "in_front_of_camera"
    return Sequence(subject, name, worlds, views, valid, broken)


def _on_the_head(joints: Floats) -> Camera:
    """The egocentric camera: before the face, it looks down at hands and body."""
    target = (joints[WRISTS].mean(0) + joints[SPINE]) / 2
    eyes = joints[EYES].mean(0)
    ahead = eyes - joints[HEAD]
    position = eyes + 0.15 * ahead / np.linalg.norm(ahead)
    camera = look_at(target, position, size=EGO_SIZE, focal=EGO_FOCAL)
    return replace(camera, distortion=DISTORTION)


def _seen(camera: Camera, joints: Floats) -> int:
    """How many joints are in the image."""
    points = camera.to_camera(joints)
    pixels = camera.pixels(np.where(points[:, 2:] > 0, points, np.nan))
    inside = (pixels >= 0) & (pixels <= [camera.width, camera.height])
    return int(inside.all(1).sum())
