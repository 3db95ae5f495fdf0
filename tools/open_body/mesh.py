"""The mesh in T-pose and in its final vertex order: tongue removed, mirror map, named vertices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from open_body.skeleton import FINGERS, NAMES, bones_of, joint_of_bones, merged_weights
from open_body.source import Array, Source
from open_body.tpose import straightened

# Where the `smplx` package looks for these points of the skin; a mesh that is to work there
# must have them at these places.
SMPLX_PLACES = {
    "nose": 9120, "right_eye": 9929, "left_eye": 9448, "right_ear": 616, "left_ear": 6,
    "left_big_toe": 5770, "left_small_toe": 5780, "left_heel": 8846,
    "right_big_toe": 8463, "right_small_toe": 8474, "right_heel": 8635,
    "left_thumb": 5361, "left_index": 4933, "left_middle": 5058, "left_ring": 5169,
    "left_pinky": 5286, "right_thumb": 8079, "right_index": 7669, "right_middle": 7794,
    "right_ring": 7905, "right_pinky": 8022,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mesh:
    """Everything linear in the blend-shape coefficients, in T-pose, vertex mean at the origin.

    vertices (V,3), shapes (K,V,3), faces_shapes (U,V,3), joints (55,3), shape_joints (K,55,3),
    weights (V,55), faces (F,3), mirror (V,), named {name: vertex}, regions {name: (V,) bool}.
    """

    vertices: Array
    shapes: Array
    face_shapes: Array
    joints: Array
    shape_joints: Array
    weights: Array
    faces: Array
    mirror: Array
    named: dict[str, int]
    regions: dict[str, Array]

    def person(self, coefficients: Array) -> tuple[Array, Array]:
        """(K,) → vertices (V,3), joints (55,3)."""
        vertices = self.vertices + np.tensordot(coefficients, self.shapes, 1)
        return vertices, self.joints + np.tensordot(coefficients, self.shape_joints, 1)


def build(source: Source) -> Mesh:
    """T-pose, drop the tongue, find the mirror map, bring the named vertices to their places."""
    pose = straightened(source)
    vertices, heads = pose.apply(source.vertices, source.heads)
    shapes, shape_heads = pose.apply(source.shape_vertices, source.shape_heads)
    face_shapes, _ = pose.apply(source.face_vertices, np.zeros((1, *source.heads.shape)))
    weights = merged_weights(source.weights, joint_of_bones(source.bones, source.parents))

    keep = np.ones(len(vertices), bool)
    keep[source.faces[source.regions["tongue"]]] = False
    mean = source.people["neutral"].mean(axis=0)
    average = vertices + np.tensordot(mean, shapes, 1)
    points = {name: w[: len(keep)] @ average for name, w in source.keypoints.items()}
    kept = np.flatnonzero(keep)
    mirror = mirror_map(average[kept])
    named = _named(average[kept], weights[kept], mirror, points, _eyeballs(source)[kept])
    order = _order(len(kept), named)
    place = np.empty(len(kept), int)
    place[order] = np.arange(len(kept))
    old = kept[order]
    new = np.full(len(vertices), -1)
    new[old] = np.arange(len(old))

    def centred(points: Array, joints: Array) -> tuple[Array, Array]:
        middle = points[..., old, :].mean(axis=-2, keepdims=True)
        return points[..., old, :] - middle, joints - middle

    joint_heads = [[source.bones.index(bone) for bone in bones_of(name)] for name in NAMES]

    def pick(all_heads: Array) -> Array:
        return np.stack([all_heads[..., i, :].mean(axis=-2) for i in joint_heads], axis=-2)

    vertices, joints = centred(vertices, pick(heads))
    shapes, shape_joints = centred(shapes, pick(shape_heads))
    in_kept = keep[source.faces].all(axis=1)
    regions = {}
    for name, faces in source.regions.items():
        mask = np.zeros(len(keep), bool)
        mask[source.faces[faces]] = True
        outside = np.zeros(len(keep), bool)
        outside[source.faces[~faces]] = True
        regions[name], regions[name + " edge"] = mask[old], (mask & outside)[old]
    mirror, twins = place[mirror[order]], mirrored_joints()
    weights = (weights[old] + weights[old][mirror][:, twins]) / 2
    return Mesh(
        _symmetric(vertices, mirror), _symmetric(shapes, mirror), face_shapes[:, old],
        _symmetric(joints, twins), _symmetric(shape_joints, twins), weights,
        new[source.faces[in_kept]], mirror,
        {name: int(place[vertex]) for name, vertex in named.items()}, regions,
    )  # fmt: skip


def mirrored_joints() -> Array:
    """(55,) the joint of the other side, or itself."""
    other = {"left": "right", "right": "left"}
    return np.array(
        [NAMES.index("_".join(other.get(part, part) for part in name.split("_"))) for name in NAMES]
    )


def _symmetric(points: Array, mirror: Array) -> Array:
    """The targets of MakeHuman are symmetric to a tenth of a millimetre: make that exact."""
    return np.asarray((points + points[..., mirror, :] * [-1, 1, 1]) / 2)


def mirror_map(vertices: Array) -> Array:
    """(V,) the vertex that lies where each vertex's mirror image is."""
    distance, mirror = cKDTree(vertices).query(vertices * [-1, 1, 1])
    if distance.max() > 1e-4 or (mirror[mirror] != np.arange(len(mirror))).any():
        raise ValueError(f"the mesh is not symmetric: {distance.max() * 1e3:.3f} mm")
    return np.asarray(mirror)


def _eyeballs(source: Source) -> Array:
    mask = np.zeros(len(source.vertices), bool)
    for name in ("eye_front.L", "eye_front.R", "eye_back.L", "eye_back.R"):
        mask[source.faces[source.regions[name]]] = True
    return mask


def _named(vertices, weights, mirror, points, eyeballs):
    """The 21 named vertices: the left ones by position, the right ones by the mirror."""
    skin = cKDTree(np.where(eyeballs[:, None], 9.0, vertices))
    named = {}
    left_eye = np.flatnonzero(eyeballs & (vertices[:, 0] > 0))
    named["left_eye"] = left_eye[vertices[left_eye, 2].argmax()]
    for name in ("left_ear", "left_big_toe", "left_small_toe", "left_heel"):
        named[name] = skin.query(points[name])[1]
    for finger in FINGERS:
        tip = NAMES.index(f"left_{finger}3")
        mine = np.flatnonzero(weights[:, tip] > 0.5)
        base = weights[:, NAMES.index(f"left_{finger}2")] > 0.5
        along = vertices[mine].mean(axis=0) - vertices[base].mean(axis=0)
        named[f"left_{finger}"] = mine[(vertices[mine] @ along).argmax()]
    for name in list(named):
        named[name.replace("left", "right")] = mirror[named[name]]
    middle = np.flatnonzero((np.abs(vertices[:, 0]) < 1e-6) & ~eyeballs)
    near = np.linalg.norm(vertices[middle] - points["nose"], axis=1)
    named["nose"] = middle[near.argmin()]
    return named


def _order(count: int, named: dict[str, int]) -> Array:
    """(V,) the old index at each new place: as it was, but the named vertices swapped in."""
    order = np.arange(count)
    for name, place in SMPLX_PLACES.items():
        here = int(np.flatnonzero(order == named[name])[0])
        order[[place, here]] = order[[here, place]]
    return order
