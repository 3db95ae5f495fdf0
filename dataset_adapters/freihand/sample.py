"""A miniature FreiHAND: right hands of the world, written as the 61 numbers of the owners."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import write_text
from ehpsbench.dataset_adapters.freihand.adapter import ROOT, SIZE, VERSIONS
from ehpsbench.dataset_adapters.readers.freihand_sample import freihand_points
from ehpsbench.dataset_adapters.sampling import (
    FLAT_GREY,
    Images,
    Order,
    TruthBook,
)
from ehpsbench.dataset_adapters.traits import hands_of
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.errors import InputError
from ehpsbench.world.camera import Camera
from ehpsbench.world.labels import labels
from ehpsbench.world.people import Person, in_camera, posed, posed_joints
from ehpsbench.world.renderer import render
from ehpsbench.world.scenes import Scene, scenes

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.settings import WorldSettings

Floats = NDArray[np.float64]

SPLITS = {"training": "training", "train": "training", "evaluation": "evaluation"}
SPLITS |= {"test": "evaluation"}
EVALUATION_SHARE = 0.25
BACKDROPS = {"gs": (0, 177, 64), "hom": (200, 190, 180), "sample": (96, 120, 168)}
RULES = ("finite", "angles", "in_front_of_camera")  # of the broken samples, one each


@dataclass(frozen=True, slots=True)
class _Hands:
    """The hands of one split, true and labelled.

    Attributes:
        worlds: a scene for each.
        broken: the rule that the last samples break, by sample.
        vertices: (N, V, 3) true, camera frame [m]; empty where they are not needed.
    """

    worlds: list[Scene]
    broken: dict[int, str]
    vertices: list[Floats]


def write(order: Order) -> Truth:
    """Write a miniature release below `root`; see `Truth`. The size of the images is fixed.

    Raises:
        InputError: a split that FreiHAND does not have.
    """
    if order.split is not None and order.split not in SPLITS:
        raise InputError(
            f"FreiHAND has the splits 'training' and 'evaluation', not {order.split!r}."
        )
    book = order.book("freihand")
    for name, count, broken in _plan(order.people, order.split):
        hands = _hands(
            order.settings, count, broken, order.seed + len(name), order.bodies, book.keep_vertices
        )
        _write_labels(order.root, name, hands, order.settings, order.seed, order.bodies)
        if order.images != "none":
            _write_images(order.root, name, hands, order.images, order.bodies)
        _note(book, name, hands)
    return book.save(order.root)


def _plan(people: int, split: str | None) -> list[tuple[str, int, tuple[str, ...]]]:
    """Split, number of good samples, and the broken ones that follow them."""
    if split is not None:
        versions = len(VERSIONS[SPLITS[split]])
        return [(SPLITS[split], max(1, round(people / versions)), ())]
    evaluation = max(1, round(EVALUATION_SHARE * people))
    training = max(1, round((people - evaluation) / len(VERSIONS["training"])))
    return [("training", training, RULES), ("evaluation", evaluation, ())]


def _hands(
    settings: WorldSettings,
    count: int,
    broken: tuple[str, ...],
    seed: int,
    bodies: BodySet,
    keep: bool,
) -> _Hands:
    alone = settings.model_copy(
        update={"people": (1, 1), "num_betas": min(settings.num_betas, 10), "templates": False}
    )
    worlds = scenes(alone, count + len(broken), seed, bodies, cameras=_crop, family="mano_right")
    true = [scene.people[0] for scene in worlds[:count]] if keep else []
    meshes = [
        scene.cameras[0].to_camera(mesh)
        for scene, mesh in zip(worlds, posed(true, bodies) if true else [], strict=False)
    ]
    return _Hands(worlds, {count + i: rule for i, rule in enumerate(broken)}, meshes)


def _crop(rng: np.random.Generator, index: int) -> Camera:
    """The camera of a warped crop: no two samples have the same."""
    focal = rng.uniform(420, 560) * (1 + rng.uniform(-0.01, 0.01, 2))
    centre = SIZE / 2 + rng.uniform(-6, 6, 2)
    return Camera(np.eye(3), np.zeros(3), focal, centre, SIZE, SIZE)


def _write_labels(
    root: Path, split: str, hands: _Hands, settings: WorldSettings, seed: int, bodies: BodySet
) -> None:
    """The five annotation files of a split; lists in the order of the samples."""
    cameras = [scene.cameras[0] for scene in hands.worlds]
    people = [person for (person,) in labels(hands.worlds, settings, seed, bodies)]
    meshes = np.stack([c.to_camera(v) for c, v in zip(cameras, posed(people, bodies), strict=True)])
    joints = np.stack(
        [c.to_camera(j) for c, j in zip(cameras, posed_joints(people, bodies), strict=True)]
    )
    xyz = freihand_points(joints, meshes, bodies)
    bone = np.linalg.norm(xyz[:, ROOT + 1] - xyz[:, ROOT], axis=1)
    files: dict[str, Any] = {
        "K": np.stack([camera.intrinsics for camera in cameras]),
        "mano": _parameters(people, cameras, xyz[:, ROOT], hands.broken, bodies)[:, None],
        "xyz": xyz,
        "scale": bone,
        "verts": meshes,
    }
    for kind, values in files.items():
        write_text(root / f"{split}_{kind}.json", json.dumps(np.round(values, 9).tolist()))


def _parameters(
    people: list[Person],
    cameras: list[Camera],
    joint: Floats,
    broken: dict[int, str],
    bodies: BodySet,
) -> Floats:
    """(N, 61): pose relative to the mean, shape, and joint 9 as image point and scale."""
    turned = in_camera(people, cameras[0], bodies)["global_orient"]  # all stand in one place
    mean = bodies.model("mano", "right").right_hand_mean
    pose = np.array([person.right_hand_pose for person in people]) - mean
    shape = np.array([person.betas[:10] for person in people])
    focal = np.array([camera.focal.mean() for camera in cameras])[:, None]
    centre = np.array([camera.principal_point for camera in cameras])
    scale = focal / joint[:, 2:]
    values = np.concatenate([turned, pose, shape, joint[:, :2] * scale + centre, scale], axis=1)
    for sample, rule in broken.items():
        if rule == "finite":
            values[sample, 50] = np.nan
        elif rule == "angles":
            values[sample, 3:48] = np.degrees(values[sample, 3:48])
        else:
            values[sample, 60] *= -1  # z = focal / scale
    return values


def _write_images(root: Path, split: str, hands: _Hands, images: Images, bodies: BodySet) -> None:
    """Every version of every sample, and the masks of the training set."""
    flat = np.full((SIZE, SIZE, 3), FLAT_GREY, np.uint8)
    for sample, scene in enumerate(hands.worlds):
        frame = render(scene, scene.cameras[0], bodies) if images == "rendered" else None
        for k, version in enumerate(VERSIONS[split]):
            path = root / split / "rgb" / f"{sample + k * len(hands.worlds):08d}.jpg"
            rgb = flat if frame is None else frame.rgb
            if frame is not None and version in BACKDROPS:
                shown = frame.person_ids[..., None] > 0
                rgb = np.where(shown, rgb, np.array(BACKDROPS[version], np.uint8))
            _save(path, rgb)
        if frame is not None and split == "training":
            mask = np.where(frame.person_ids > 0, np.uint8(255), np.uint8(0))
            _save(root / split / "mask" / f"{sample:08d}.jpg", mask)


def _save(path: Path, pixels: NDArray[np.uint8]) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=92)


def _note(book: TruthBook, split: str, hands: _Hands) -> None:
    count = len(hands.worlds)
    for k, version in enumerate(VERSIONS[split]):
        for sample, scene in enumerate(hands.worlds):
            key = f"freihand/{split}/{version}/0/{sample + k * count}/0"
            camera = scene.cameras[0]
            if sample in hands.broken:
                book.add_broken(key, hands.broken[sample])
            else:
                mesh = hands.vertices[sample] if hands.vertices else ()
                lens = camera.focal, camera.principal_point
                book.add(key, mesh, *lens, hands=hands_of(scene.people[0]))
