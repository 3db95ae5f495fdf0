"""Writes a miniature AGORA release: synthetic people as scans, in the owners' layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ehpsbench.dataset_adapters.agora.sample_scans import Scan, as_child, broken, scans
from ehpsbench.dataset_adapters.agora.sample_shots import Shot, write_masks, write_shard
from ehpsbench.dataset_adapters.agora.sample_views import PLACES, camera_of, free_camera
from ehpsbench.dataset_adapters.sampling import (
    Order,
    TruthBook,
    save_image,
)
from ehpsbench.dataset_adapters.traits import hands_of

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.dataset_adapters.truth import Truth
    from ehpsbench.world.people import Person
    from ehpsbench.world.scenes import Scene
    from ehpsbench.world.settings import WorldSettings

SHARDS = (("train", 0), ("train", 0), ("validation", 0), ("train", 0), ("train", 1))
FEWEST_SCENES = 8  # every place and every shard
PER_SHARD = 1000  # scenes, where one split alone is asked for
BROKEN, NOBODY, TEST = 90_000, 80_000, 70_000  # added to the number of a picture
NEAREST = 0.3  # m; whoever's pelvis is nearer, or behind, is not listed


def write(order: Order) -> Truth:
    """Write about `people` people into `root`, and the truth about them."""
    low, high = order.settings.people
    if order.split is None:
        high = max(high, 3)
    betas = min(order.settings.num_betas, 10)
    world = order.settings.model_copy(update={"people": (low, high), "num_betas": betas})
    book = order.book("agora", world)
    shots = _shots(world, order.bodies, order.seed, order.people, order.split)
    if order.split is None:
        shots += _special(shots)
    for scan in {s.name: s for shot in shots for s in shot.scans}.values():
        scan.write(order.root)
    for shot in shots:
        kind = order.images if shot.scene.people or order.images == "none" else "flat"
        save_image(shot.path(order.root), kind, shot.scene, shot.camera, order.bodies)
        if order.split is None and order.images == "rendered" and shot.everybody:
            write_masks(order.root, shot, order.bodies)
    _tell(book, shots, order.bodies)
    _write_shards(
        order.root, [s for s in shots if s.split != "test"], order.bodies, whole=book.keep_vertices
    )
    return book.save(order.root)


def _shots(
    world: WorldSettings, bodies: BodySet, seed: int, people: int, split: str | None
) -> list[Shot]:
    """Ordinary pictures; of a room with cameras cam00–cam03, two views when all is asked for."""
    from ehpsbench.world.labels import labels
    from ehpsbench.world.scenes import scenes

    places = PLACES if split is None else [replace(p, cameras=p.cameras[:1]) for p in PLACES]
    each = sum(world.people) / 2 * sum(len(p.cameras) for p in places) / len(places)
    count = max(round(people / each), FEWEST_SCENES if split is None else 1)
    rng = np.random.default_rng([seed, 1])
    free = [free_camera(rng) for _ in range(count)]
    kinds = [places[i % len(places)] for i in range(count)]
    made = scenes(
        world,
        count,
        seed,
        bodies,
        cameras=lambda _, i: [camera_of(kinds[i], name, free[i]) for name in kinds[i].cameras],
        genders=("male", "female"),
    )
    made = _with_children(made, forced=split is None)
    told = [label for labelled in labels(made, world, seed, bodies) for label in labelled]
    shards = [SHARDS[i % 5] if split is None else (split, i // PER_SHARD) for i in range(count)]
    everybody = [person for scene in made for person in scene.people]
    where = [shards[i][0] for i, scene in enumerate(made) for _ in scene.people]
    standing = iter(scans(everybody, told, where, bodies, rng))
    shots = []
    for i, scene in enumerate(made):
        here = [next(standing) for _ in scene.people]
        for name, camera in zip(kinds[i].cameras, scene.cameras, strict=True):
            frame = Shot(kinds[i], name, i, *shards[i], scene, camera, free[i], (), (), ())
            shots.append(_seen(frame, here, rng, only_valid=split is not None))
    return shots


def _with_children(made: Sequence[Scene], *, forced: bool) -> list[Scene]:
    """Girls get the neutral body; if forced, every third person is a boy or a girl in turn."""
    result, number = [], 0
    for scene in made:
        people: list[Person] = []
        for person in scene.people:
            if forced and number % 3 == 0:
                sex = ("male", "female")[number // 3 % 2]
                person = replace(person, kid=0.6, gender=sex, subject_gender=sex)
            people.append(as_child(person, person.kid) if person.kid else person)
            number += 1
        result.append(replace(scene, people=tuple(people)))
    return result


def _seen(shot: Shot, scans: Sequence[Scan], rng: np.random.Generator, *, only_valid: bool) -> Shot:
    """The shot with whoever is before the camera; who is outside the picture counts as hidden."""
    kept, occlusion = [], []
    for scan in scans:
        pelvis = shot.camera.to_camera(scan.pelvis)
        pixel = shot.camera.pixels(pelvis[None])[0]
        inside = bool(((pixel >= 0) & (pixel <= [shot.camera.width, shot.camera.height])).all())
        if pelvis[2] > NEAREST and (inside or not only_valid):
            kept.append(scan)
            occlusion.append(float(rng.uniform(0, 80)) if inside else 100.0)
    return replace(shot, scans=tuple(kept), occlusion=tuple(occlusion), rules=("",) * len(kept))


def _special(shots: list[Shot]) -> list[Shot]:
    """Marks one person invalid; returns pictures of broken rows, of nobody, and of the test."""
    first = shots[0]
    shots[0] = replace(first, occlusion=(*first.occlusion[:-1], 95.0))
    adult = next(
        (shot, scan)
        for shot in shots
        for scan in shot.scans
        if scan.label.kid == 0 and shot.split == "train" and shot.shard == 0
    )
    shot, scan = adult
    wrong = broken(scan, shot.camera.rotation[0], shot.camera.rotation[2])
    nobody = replace(first, scans=(), occlusion=(), rules=())
    empty = replace(first.scene, people=())
    return [
        replace(
            shot,
            number=shot.number + BROKEN,
            scans=tuple(made for made, _ in wrong),
            occlusion=(10.0,) * len(wrong),
            rules=tuple(rule for _, rule in wrong),
        ),
        replace(nobody, number=first.number + NOBODY, scene=empty),
        replace(nobody, number=first.number + TEST, split="test"),
    ]


def _tell(book: TruthBook, shots: Sequence[Shot], bodies: BodySet) -> None:
    """Enter everybody under the id that they must get: world meshes, moved by the camera."""
    from ehpsbench.world.people import posed

    people = {s.number: s.person for shot in shots for s in shot.scans}
    meshes = {}
    if book.keep_vertices:
        meshes = dict(zip(people, posed(list(people.values()), bodies), strict=True))
    for shot in shots:
        camera = shot.camera
        for i, (scan, rule) in enumerate(zip(shot.scans, shot.rules, strict=True)):
            if rule:
                book.add_broken(shot.id(i), rule)
                continue
            mesh = camera.to_camera(meshes[scan.number]) if meshes else ()
            lens, hands = (camera.focal, camera.principal_point), hands_of(people[scan.number])
            book.add(shot.id(i), mesh, *lens, valid=shot.valid[i], hands=hands)


def _write_shards(root: Path, shots: Sequence[Shot], bodies: BodySet, *, whole: bool) -> None:
    from ehpsbench.world.people import posed, posed_joints

    labelled = None
    if whole:
        labels = {s.number: s.label for shot in shots for s in shot.scans}
        people = list(labels.values())
        meshes = dict(zip(labels, posed(people, bodies), strict=True))
        joints = dict(zip(labels, posed_joints(people, bodies), strict=True))
        labelled = (meshes, joints)
    for key in sorted({(s.split, s.shard) for s in shots}):
        write_shard(root, [s for s in shots if (s.split, s.shard) == key], bodies, labelled)
