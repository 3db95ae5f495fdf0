"""The rows of a miniature BEDLAM label file, made from people in a scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.surface_joints import joints_127
from ehpsbench.geometry import body_to_camera, compose, project, rotate_x, rotate_z

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.camera import Camera
    from ehpsbench.world.people import Person

Columns = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]

LEAST_JOINTS = 8  # of the first 22 inside the picture, or the owners drop the label
PROJECTED_VERTICES = 437
BETAS = 11
POSE = ("global_orient", "body_pose", "jaw_pose", "leye_pose", "reye_pose")
HANDS = ("left_hand_pose", "right_hand_pose")


@dataclass(frozen=True, slots=True)
class LabelledPerson:
    """Somebody in a picture, how they are labelled, and by what name."""

    picture: str
    camera: Camera
    person: Person
    label: Person
    subject: str


def label_rows(
    people: Sequence[LabelledPerson], bodies: BodySet, rng: np.random.Generator, *, whole: bool
) -> tuple[list[LabelledPerson], Columns]:
    """Who is labelled (the owners drop whoever is hardly in view), and the arrays of the file.

    Args:
        people: everybody in the pictures of one scene.
        bodies: the open body.
        rng: divides the translation between the two arrays that hold it.
        whole: with 127 joints and the vertices, which need the meshes; else 55 joints.
    """
    from ehpsbench.world.people import rest_pelvis, stacked

    labels = [p.label for p in people]
    values, pelvis = stacked(labels), rest_pelvis(labels, bodies)
    view = np.stack([p.camera.rotation for p in people])
    shift = np.stack([p.camera.translation for p in people])
    orient, transl = body_to_camera(view, shift, values["global_orient"], values["transl"], pelvis)
    values["global_orient"] = orient
    pose = np.concatenate([values[name] for name in (*POSE, *HANDS)], 1)
    local, extrinsics = _divided(transl, rng)
    back = np.swapaxes(extrinsics[:, :3, :3], 1, 2)
    world = np.concatenate([compose(back, orient), pose[:, 3:]], 1)
    joints, vertices = _pixels(people, bodies, whole=whole)
    size = np.asarray([(p.camera.width, p.camera.height) for p in people])
    centre, scale, seen = _boxes(joints[:, :22, :2], size)
    columns: Columns = _said(people) | {
        "center": centre,
        "scale": scale,
        "pose_cam": pose,
        "pose_world": world,
        "shape": values["betas"][:, :BETAS],
        "trans_cam": local,
        "trans_world": (back @ (local + pelvis)[..., None])[..., 0] - pelvis,
        "cam_ext": extrinsics,
        "gtkps": joints,
    }
    if whole:
        columns["proj_verts"] = vertices
    kept = (seen >= LEAST_JOINTS) & (scale > 0)
    chosen = [p for p, keep in zip(people, kept, strict=True) if keep]
    return chosen, {name: rows[kept] for name, rows in columns.items()}


def _divided(transl: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """(N, 3) a part of the translation; (N, 4, 4) `cam_ext` with the rest and some rotation."""
    count = len(transl)
    local = rng.normal(0, 0.5, transl.shape)
    extrinsics = np.tile(np.eye(4), (count, 1, 1))
    roll, pitch = rng.normal(0, 0.05, count), rng.normal(0, 0.2, count)
    extrinsics[:, :3, :3] = rotate_z(roll) @ rotate_x(pitch)
    extrinsics[:, :3, 3] = transl - local
    return local, extrinsics


def _said(people: Sequence[LabelledPerson]) -> Columns:
    """What a row says beside the body."""
    return {
        "imgname": np.asarray([p.picture for p in people]),
        "cam_int": np.stack([p.camera.intrinsics for p in people]),
        "gender": np.asarray([p.label.subject_gender[0] for p in people]),
        "motion_info": np.asarray([p.label.pose_family for p in people]),
        "sub": np.asarray([p.subject for p in people]),
    }


def _pixels(people: Sequence[LabelledPerson], bodies: BodySet, *, whole: bool) -> tuple[Any, Any]:
    """Joints (N, J, 3) and vertices (N, 437, 3) as x, y, 1 [px]; no vertices unless whole."""
    from ehpsbench.world.people import posed, posed_joints

    labels = [p.label for p in people]
    joints = [np.asarray(j, np.float64) for j in posed_joints(labels, bodies)]
    vertices = posed(labels, bodies) if whole else []
    if whole:
        model = bodies.model("smplx", "neutral")
        joints = [joints_127(v, j, model) for v, j in zip(vertices, joints, strict=True)]
    some = np.linspace(0, len(vertices[0]) - 1, PROJECTED_VERTICES).astype(int) if whole else ()
    return (
        np.stack([_projected(p.camera, j) for p, j in zip(people, joints, strict=True)]),
        np.stack([_projected(p.camera, v[some]) for p, v in zip(people, vertices, strict=True)])
        if whole
        else None,
    )


def _projected(camera: Camera, points: NDArray[Any]) -> Floats:
    """Scene points (P, 3) → x, y, 1 [px]."""
    pixels = project(camera.to_camera(points), camera.focal, camera.principal_point)
    return np.concatenate([pixels, np.ones((len(pixels), 1))], 1)


def _boxes(joints: Floats, size: NDArray[Any]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The owners' centre, scale (a square of 200·scale, a fifth larger) and joints in view."""
    inside = np.asarray(((joints >= 0) & (joints <= size[:, None])).all(-1))
    low = np.where(inside[..., None], joints, np.inf).min(1)
    high = np.where(inside[..., None], joints, -np.inf).max(1)
    seen = inside.sum(1)
    some = (seen > 0)[:, None]
    centre = np.where(some, (low + high) / 2, -1.0)
    side = np.where(some, high - low, -1.0).max(1)
    return centre, 1.2 * side / 200, seen


def broken_rows(columns: Columns) -> tuple[Columns, list[str]]:
    """Copies of the first row, each broken in one way, and the rules that must refuse them."""
    rules: dict[str, tuple[str, Callable[[Floats], Floats]]] = {
        "finite": ("pose_cam", lambda pose: pose * np.nan),
        "ranges": ("shape", lambda shape: shape + 100),
        "angles": ("pose_cam", lambda pose: np.degrees(pose)),
        "box_inside_image": ("gtkps", lambda points: points + np.array([5000, 5000, 0])),
        "in_front_of_camera": ("trans_cam", lambda place: place - np.array([0, 0, 50])),
        "joints_near_box": ("trans_cam", lambda place: place + np.array([30, 0, 0])),
    }
    rows = {name: np.repeat(values[:1], len(rules), 0) for name, values in columns.items()}
    rows["sub"] = np.asarray([f"broken_{rule}" for rule in rules])
    for i, (name, change) in enumerate(rules.values()):
        rows[name][i] = change(rows[name][i])
    return rows, list(rules)
