"""A miniature 3DPW: actors labelled in a world frame, seen by a moving camera."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import replacing
from ehpsbench.dataset_adapters.clips import with_shapes
from ehpsbench.dataset_adapters.pw3d.parsed_sample import write_parsed
from ehpsbench.dataset_adapters.pw3d.sample_clips import (
    BROKEN,
    SPLITS,
    Clip,
    camera_matrices,
    filmed,
    plan,
)
from ehpsbench.dataset_adapters.sampling import (
    Images,
    Order,
    TruthBook,
    save_image,
)
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.errors import InputError
from ehpsbench.geometry import body_to_camera, rotation_matrix
from ehpsbench.restricted_pickle import dump_python2
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.skeleton.sources import OPENPOSE_18
from ehpsbench.world.labels import labels
from ehpsbench.world.people import Person, posed, posed_joints, rest_pelvis, stacked
from ehpsbench.world.renderer import rendered
from ehpsbench.world.scenes import Scene

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]
FEWEST_DETECTED = 6  # joints, else the owners keep zeros
SCORE = 0.9
FAR = 20.0  # m
NECK = INDEX["neck"]


def write(order: Order, source: str = "owners") -> Truth:
    """Write a miniature release below `root`; see `Truth`, which is the SMPL view of the people.

    Args:
        order: what is asked for.
        source: owners; or neuralannot: the parsed splits with its SMPL-X.

    Raises:
        InputError: a split that 3DPW does not have, or a world in which two people never fit.
    """
    if source == "neuralannot":
        return write_parsed(order)
    if order.split not in (None, *SPLITS):
        raise InputError(f"3DPW has the splits {SPLITS}, not {order.split!r}.")
    update = {"num_betas": min(order.settings.num_betas, 10), "kids": 0.0, "templates": False}
    world = order.settings.model_copy(update=update)
    book = order.book("pw3d")
    for clip in plan(
        order.people, order.split, order.settings.people, pictures=order.images != "none"
    ):
        frames = filmed(clip, world, order.seed, order.scale, order.bodies)
        told = labels(frames, world, order.seed + clip.index, order.bodies)
        joints = _joints([person for frame in frames for person in frame.people], order.bodies)
        seen = _detections(clip, frames, joints)
        same = with_shapes(told, told[0], order.bodies)
        _write_labels(order, clip, frames, same, seen)
        _write_pictures(order.root, clip, frames, order.images, order.bodies)
        _note(book, clip, frames)
    return book.save(order.root)


def _joints(people: Sequence[Person], bodies: BodySet) -> Floats:
    return np.stack(posed_joints(people, bodies))


def _detections(clip: Clip, frames: Sequence[Scene], joints: Floats) -> Floats:
    """(A, N, 3, 18) x, y, score of the joints that SMPL has; zeros where too few are seen."""
    count = clip.actors
    result = np.zeros((count, len(frames), 3, 18))
    places = [NECK if place >= len(joints[0]) else place for place in OPENPOSE_18[:14]]
    has = [j for j, place in enumerate(OPENPOSE_18[:14]) if place < 22 or j == 1]
    for row, (frame, kind) in enumerate(zip(frames, clip.kinds, strict=True)):
        camera = frame.cameras[0]
        for actor in range(count):
            own = camera.to_camera(joints[row * count + actor])
            pixels = camera.pixels(own[[places[j] for j in has]])
            inside = ((pixels >= 0) & (pixels <= [camera.width, camera.height])).all(-1)
            lost = kind == "undetected" and actor == count - 1
            if inside.sum() >= FEWEST_DETECTED and not lost:
                kept = np.array(has)[inside]
                result[actor, row, :2, kept] = pixels[inside]
                result[actor, row, 2, kept] = SCORE
    return result


def _write_labels(
    order: Order,
    clip: Clip,
    frames: Sequence[Scene],
    told: Sequence[Sequence[Person]],
    seen: Floats,
) -> None:
    """The sequence file, without the rows that the labels do not reach."""
    rng = np.random.default_rng([len(clip.kinds), clip.index])
    rows = [i for i, kind in enumerate(clip.kinds) if kind != "no_row"]
    world = _world_frames(len(frames), rng)  # scene → world
    cameras = camera_matrices(frames) @ np.linalg.inv(world)
    actors: list[dict[str, Any]] = []
    for actor in range(clip.actors):
        people = [frame[actor] for frame in told]
        placed = _in_world(clip, people, frames, world, order.bodies)
        betas = np.concatenate([people[0].betas[:10], rng.standard_normal(clip.betas - 10)])
        if "huge_shape" in clip.kinds:
            betas[0] = 100.0
        own: dict[str, Any] = {"betas": betas, "betas_clothed": betas}
        own["genders"] = people[0].gender[0]
        own["v_template_clothed"] = order.bodies.model("smpl", people[0].gender).v_template
        actors.append(own | _rows(rows, *placed))
    content: dict[str, Any] = {
        "sequence": clip.name,
        "cam_intrinsics": frames[0].cameras[0].intrinsics,
        "cam_poses": cameras[rows],
        "img_frame_ids": 2 * np.arange(len(rows)),
        "campose_valid": [_aligned(clip, actor)[rows] for actor in range(clip.actors)],
        "poses2d": list(seen[:, rows]),
        "texture_maps": [],
        **{key: [own[key] for own in actors] for key in actors[0]},
    }
    with replacing(order.root / "sequenceFiles" / clip.split / f"{clip.name}.pkl") as path:
        dump_python2(content, path)


def _rows(rows: Sequence[int], pose: Floats, trans: Floats, joints: Floats) -> dict[str, Floats]:
    """The labelled rows of one actor, and every one twice for the sensors' own rate."""
    return {
        "poses": pose[rows],
        "trans": trans[rows],
        "jointPositions": joints[rows].reshape(len(rows), -1),
        "poses_60Hz": np.repeat(pose[rows], 2, 0),
        "trans_60Hz": np.repeat(trans[rows], 2, 0),
    }


def _world_frames(count: int, rng: np.random.Generator) -> Floats:
    """(N, 4, 4) some rigid motion for every frame: the scene moves under the world's camera."""
    matrices = np.tile(np.eye(4), (count, 1, 1))
    matrices[:, :3, :3] = rotation_matrix(rng.uniform(-2, 2, (count, 3)))
    matrices[:, :3, 3] = rng.uniform(-4, 4, (count, 3))
    return matrices


def _aligned(clip: Clip, actor: int) -> NDArray[np.bool_]:
    return np.array([actor != 0 or kind != "unaligned" for kind in clip.kinds])


def _in_world(
    clip: Clip, people: Sequence[Person], frames: Sequence[Scene], world: Floats, bodies: BodySet
) -> tuple[Floats, Floats, Floats]:
    """Poses (N, 72), translations (N, 3) and joints (N, 24, 3) of one actor, some spoilt."""
    turn, shift = world[:, :3, :3], world[:, :3, 3]
    body = stacked(people)
    pelvis = rest_pelvis(people, bodies)
    orient, trans = body_to_camera(turn, shift, body["global_orient"], body["transl"], pelvis)
    pose = np.concatenate([orient, body["body_pose"], body["smpl_hand_pose"]], 1)
    joints = _joints(people, bodies) @ turn.transpose(0, 2, 1) + shift[:, None]
    for row, kind in enumerate(clip.kinds):
        way = {"behind": [0.0, 0.0, -FAR], "aside": [FAR, 0.0, 0.0]}.get(kind)
        if way is not None:
            trans[row] += turn[row] @ frames[row].cameras[0].rotation.T @ np.array(way)
        elif kind == "nan":
            trans[row, 2] = np.nan
        elif kind == "degrees":
            pose[row] = np.degrees(pose[row])
    return pose, trans, joints


def _write_pictures(
    root: Path, clip: Clip, frames: Sequence[Scene], images: Images, bodies: BodySet
) -> None:
    if images == "none":
        return
    drawn = rendered(frames, bodies) if images == "rendered" else None
    for i, (scene, kind) in enumerate(zip(frames, clip.kinds, strict=True)):
        picture = next(drawn).rgb if drawn is not None else None
        if kind != "no_image":
            path = root / "imageFiles" / clip.name / f"image_{i:05d}.jpg"
            save_image(path, images, scene, scene.cameras[0], bodies, people=picture)


def _note(book: TruthBook, clip: Clip, frames: Sequence[Scene]) -> None:
    """World meshes moved by the camera, under the ids that the people must get."""
    people = [person for frame in frames for person in frame.people]
    meshes = posed(people, book.bodies) if book.keep_vertices else []
    for i, (frame, kind) in enumerate(zip(frames, clip.kinds, strict=True)):
        camera = frame.cameras[0]
        for actor in range(clip.actors):
            key = f"pw3d/{clip.split}/{clip.name}/0/{i}/{actor}"
            if kind in BROKEN:
                book.add_broken(key, BROKEN[kind])
            elif kind not in ("no_row", "no_image"):
                mesh = camera.to_camera(meshes[i * clip.actors + actor]) if meshes else ()
                ok = bool(_aligned(clip, actor)[i])
                book.add(key, mesh, camera.focal, camera.principal_point, valid=ok)
