"""A miniature EHF: meshes of the world in the scan frame, seen by EHF's own camera."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import write_text
from ehpsbench.dataset_adapters.ehf.camera import HEIGHT, PUBLISHED, WIDTH
from ehpsbench.dataset_adapters.sampling import (
    Images,
    Order,
    TruthBook,
    save_image,
)
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.errors import InputError
from ehpsbench.geometry import rotation_matrix
from ehpsbench.meshes import write_ply
from ehpsbench.skeleton.human_data import INDEX, NAMES
from ehpsbench.skeleton.sources import FACE_68, LEFT_HAND_21, OPENPOSE_BODY_25, RIGHT_HAND_21
from ehpsbench.world.camera import Camera
from ehpsbench.world.labels import labels
from ehpsbench.world.people import posed, posed_joints
from ehpsbench.world.renderer import render
from ehpsbench.world.scenes import Scene, scenes

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

RENDERED_SMALLER = 2  # the format fixes 1600 × 1200; a quarter of the pixels is drawn
AT_ONCE = 64  # stills
UP_TO_DOWN = np.diag([1.0, -1.0, -1.0])  # scan frame (y up) → scene frame (y down)
# how to spoil a mesh in the camera frame, and the rule that must find it
BROKEN = {
    "finite": lambda points: np.where(np.arange(len(points))[:, None] == 7, np.nan, points),
    "in_front_of_camera": lambda points: points - np.array([0, 0, 20.0]),
    "box_inside_image": lambda points: points + np.array([12.0, 0, 0]),
}
# OpenPose's keys and where their points go; the face ends with two pupils
DETECTIONS = (
    ("pose_keypoints_2d", OPENPOSE_BODY_25),
    ("face_keypoints_2d", (*FACE_68, INDEX["right_eyeball"], INDEX["left_eyeball"])),
    ("hand_left_keypoints_2d", LEFT_HAND_21),
    ("hand_right_keypoints_2d", RIGHT_HAND_21),
)
# OpenPose's points → joints of the body model with that name, else the last row: undetected
_BASE = {name: i if i < 55 else -1 for i, name in enumerate(NAMES)}
DETECTED = tuple(
    (key, [_BASE.get(NAMES[place].removesuffix("_openpose"), -1) for place in places])
    for key, places in DETECTIONS
)


@dataclass(frozen=True, slots=True)
class _Still:
    """A still to write: its number, and what is special about it."""

    number: int
    special: str = ""  # a rule of BROKEN, "unlabelled", "png", "no_json" or "nobody_detected"

    @property
    def name(self) -> str:
        return f"{self.number:02d}"


def write(order: Order) -> Truth:
    """Write a miniature release below `root`; see `Truth`. The size of the images is fixed.

    Raises:
        InputError: a split that EHF does not have.
    """
    if order.split not in (None, "test"):
        raise InputError(f"EHF has only the split 'test', not {order.split!r}.")
    camera, stills = _camera(), _plan(order.people, order.split is None)
    book = order.book("ehf")
    _write_camera(order.root / "EHF_camera.txt")
    alone = order.settings.model_copy(update={"people": (1, 1), "framing": "whole", "kids": 0.0})
    world = scenes(alone, len(stills), order.seed, order.bodies, cameras=lambda rng, index: camera)
    labelled = [person for (person,) in labels(world, alone, order.seed, order.bodies)]
    for start in range(0, len(stills), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        meshes = posed(labelled[rows], order.bodies)
        true = [person for scene in world[rows] for person in scene.people]
        truths = meshes if true == labelled[rows] else posed(true, order.bodies)
        joints = posed_joints(true, order.bodies)
        for i, still in enumerate(stills[rows]):
            _write_mesh(order.root, still, camera.to_camera(meshes[i]), order.bodies)
            _write_detections(order.root, still, camera.pixels(camera.to_camera(joints[i])))
            _write_image(order.root, still, world[start + i], order.images, order.bodies)
            _note(book, still, camera.to_camera(truths[i]), camera)
    return book.save(order.root)


def _plan(people: int, everything: bool) -> list[_Still]:
    """Stills 1, 2, …; with everything, numbers past 99 and each special case once."""
    if not everything:
        return [_Still(i + 1) for i in range(people)]
    ordinary = [i + 1 for i in range(max(people - 2, 1))]
    ordinary += [i for i in (99, 100) if i not in ordinary]
    kinds = dict(zip(ordinary[1:], ("png", "no_json", "nobody_detected"), strict=False))
    more = range(max(ordinary) + 1, max(ordinary) + 5)
    special = dict(zip(more, ("unlabelled", *BROKEN), strict=True))
    return [_Still(i, kinds.get(i, special.get(i, ""))) for i in (*ordinary, *more)]


def _camera() -> Camera:
    """EHF's camera in the scene frame, whose origin is that of the scan frame."""
    figures = {name: np.array(values) for name, (values, _) in PUBLISHED.items()}
    return Camera(
        rotation=rotation_matrix(figures["rotation"]) @ UP_TO_DOWN,
        translation=figures["translation"],
        focal=figures["focal"],
        principal_point=figures["principal"],
        height=HEIGHT,
        width=WIDTH,
    )


def _write_camera(path: Path) -> None:
    headings = {
        "focal": "Focal length",
        "principal": "Principal Point",
        "translation": "Translation",
        "rotation": "Rotation",
    }
    blocks = [
        f"{heading}:\n" + "\n".join(f"{value:.8f}" for value in PUBLISHED[name][0])
        for name, heading in headings.items()
    ]
    write_text(path, "\n\n".join(blocks) + "\n")


def _write_mesh(root: Path, still: _Still, points: NDArray[np.float64], bodies: BodySet) -> None:
    """Camera frame → scan frame: x_scan = Rᵀ (x_camera − T)."""
    if still.special == "unlabelled":
        return
    spoilt = BROKEN.get(still.special, np.asarray)(points)
    turn = rotation_matrix(PUBLISHED["rotation"][0])
    scan = (spoilt - PUBLISHED["translation"][0]) @ turn
    faces = bodies.model("smplx", "neutral").faces
    write_ply(root / f"{still.name}_align.ply", scan, faces)


def _write_detections(root: Path, still: _Still, joints: NDArray[np.float64]) -> None:
    """OpenPose's file: joints of the body model where one has the name, else undetected."""
    if still.special == "no_json":
        return
    padded = np.concatenate([np.c_[joints, np.full(len(joints), 0.9)], np.zeros((1, 3))])
    person = {key: np.round(padded[index], 3).reshape(-1).tolist() for key, index in DETECTED}
    found = [] if still.special == "nobody_detected" else [person]
    path = root / f"{still.name}_2Djnt.json"
    path.write_text(json.dumps({"version": 1.0, "people": found}))


def _write_image(root: Path, still: _Still, scene: Scene, images: Images, bodies: BodySet) -> None:
    camera, picture = scene.cameras[0], None
    if images == "rendered":
        small = render(scene, camera.scaled(1 / RENDERED_SMALLER), bodies).rgb
        picture = small.repeat(RENDERED_SMALLER, 0).repeat(RENDERED_SMALLER, 1)
    suffix = "png" if still.special == "png" else "jpg"
    path = root / f"{still.name}_img.{suffix}"
    save_image(path, images, scene, camera, bodies, people=picture)


def _note(book: TruthBook, still: _Still, points: NDArray[np.float64], camera: Camera) -> None:
    key = f"ehf/test/EHF/0/{still.number}/0"
    if still.special in BROKEN:
        book.add_broken(key, still.special)
    elif still.special != "unlabelled":
        book.add(key, points, camera.focal, camera.principal_point)
