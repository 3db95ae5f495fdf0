"""The other models on the same vertices: SMPL's 24 joints, MANO hands, children, regressors."""

from __future__ import annotations

import numpy as np

from open_body.mesh import Mesh, mirrored_joints
from open_body.regressors import Deformations, regressor
from open_body.shape import Shape, shape_space
from open_body.skeleton import NAMES, PARENTS
from open_body.source import Array

SMPL_BETAS = 10
MANO_BETAS = 10
_FOREARM = 0.02  # metres
# SMPL's joint for each of the 55: fingers move with the hand, the face with the head.
SMPL_OF = np.array([*range(22), 15, 15, 15, *[22] * 15, *[23] * 15])
SMPL_TWINS = np.array([*mirrored_joints()[:22], 23, 22])
MANO_JOINTS = {"left": np.array([20, *range(25, 40)]), "right": np.array([21, *range(40, 55)])}
# SMPL's joints lie elsewhere in the same body; the centimetres here make a mix-up visible.
_SMPL_SHIFTS = {
    0: (0.0, 0.018, -0.012), 1: (-0.010, 0.012, -0.004), 2: (0.010, 0.012, -0.004),
    3: (0.0, 0.010, -0.006), 6: (0.0, 0.006, -0.004), 12: (0.0, -0.008, -0.006),
    15: (0.0, 0.006, 0.004), 16: (0.004, 0.004, -0.004), 17: (-0.004, 0.004, -0.004),
}  # fmt: skip
# Human3.6M's 17 points: (joint of SMPL-X that they lie near, shift on the left or the middle).
_H36M = (
    (0, (0.0, -0.035, 0.018)), (2, (-0.012, 0.022, 0.0)), (5, (0.0, 0.0, 0.004)),
    (8, (0.0, 0.006, 0.0)), (1, (0.012, 0.022, 0.0)), (4, (0.0, 0.0, 0.004)),
    (7, (0.0, 0.006, 0.0)),
    (6, (0.0, 0.0, 0.008)), (12, (0.0, -0.020, -0.006)), (15, None), (15, None),
    (16, (0.004, 0.002, 0.0)), (18, (0.0, 0.0, 0.002)), (20, (-0.004, 0.0, 0.0)),
    (17, (-0.004, 0.002, 0.0)), (19, (0.0, 0.0, 0.002)), (21, (0.004, 0.0, 0.0)),
)  # fmt: skip
_H36M_TWINS = np.array([0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13])


def deformations(mesh: Mesh, shape: Shape, expressions: Array, ids: Array) -> Deformations:
    """The body that regressors are fitted on."""
    return Deformations(shape.vertices, shape.directions, expressions, ids, mesh.mirror)


def smplx_regressor(mesh: Mesh, shape: Shape, body: Deformations) -> Array:
    """(55,V)."""
    near = _near(mesh.weights, PARENTS)
    return regressor(body, shape.joints, shape.joint_directions, near, mirrored_joints())


def smpl_regressor(mesh: Mesh, shape: Shape, body: Deformations) -> Array:
    """(24,V)."""
    hands = [[25, 28, 31, 34], [40, 43, 46, 49]]
    joints = np.concatenate([shape.joints[:22], [shape.joints[hand].mean(0) for hand in hands]])
    moves = np.concatenate(
        [shape.joint_directions[:22], [shape.joint_directions[hand].mean(0) for hand in hands]]
    )
    for side, wrist in ((22, 20), (23, 21)):
        joints[side] = 0.2 * shape.joints[wrist] + 0.8 * joints[side]
    for joint, shift in _SMPL_SHIFTS.items():
        joints[joint] += shift
    weights = np.zeros((len(mesh.weights), 24))
    np.add.at(weights.T, SMPL_OF, mesh.weights.T)
    parents = np.array([*PARENTS[:22], 20, 21])
    return regressor(body, joints, moves, _near(weights, parents), SMPL_TWINS)


def h36m_regressor(mesh: Mesh, shape: Shape, body: Deformations) -> Array:
    """(17,V): pelvis, R hip knee ankle, L …, spine, thorax, nose, head top, L arm, R arm."""
    near = _near(mesh.weights, PARENTS)
    near[:, mesh.regions["mouth_cavity"]] = False
    top, nose = shape.vertices[:, 1].argmax(), mesh.named["nose"]
    targets, moves = [], []
    for row, (joint, shift) in enumerate(_H36M):
        vertex = {9: nose, 10: top}.get(row)
        if vertex is None:
            targets.append(shape.joints[joint] + np.array(shift))
            moves.append(shape.joint_directions[joint])
        else:
            targets.append(shape.vertices[vertex] - [0.0, 0.004, 0.008])
            moves.append(shape.directions[vertex])
    chosen = np.array([joint for joint, _ in _H36M])
    return regressor(body, np.array(targets), np.array(moves), near[chosen], _H36M_TWINS)


def _near(weights: Array, parents: Array) -> Array:
    """(J,V) the vertices that move with a joint or its parent; for the root, with its children."""
    near = []
    for joint, parent in enumerate(parents):
        around = np.flatnonzero(parents == joint) if parent < 0 else [parent]
        near.append(weights[:, [joint, *around]].sum(axis=1) > 0.3)
        if parent >= 0 and np.minimum(weights[:, joint], weights[:, parent]).max() < 0.01:
            near[-1] = weights[:, joint] > 0.3  # eyeballs turn about their own centre
    return np.array(near)


def mano(mesh: Mesh, people: Array, small_ids: Array) -> dict[str, Array]:
    """The right hand as a model of its own; the left one is its mirror image, vertex by vertex."""
    joints = MANO_JOINTS["right"]
    ids = np.flatnonzero(_hand(mesh, joints))
    vertices, joint_points = _centred(mesh.vertices[ids], mesh.joints[joints])
    shapes, shape_joints = _centred(mesh.shapes[:, ids], mesh.shape_joints[:, joints])
    part = Mesh(
        vertices, shapes, mesh.face_shapes[:, ids], joint_points, shape_joints,
        mesh.weights[ids], mesh.faces[:0], np.arange(len(ids)), {}, {},
    )  # fmt: skip
    space = shape_space(part, people, MANO_BETAS)
    body = Deformations(
        space.vertices, space.directions, np.zeros((len(ids), 3, 0)),
        np.flatnonzero(np.isin(ids, small_ids)), np.arange(len(ids)),
    )  # fmt: skip
    weights = np.zeros((len(ids), 16))
    weights[:, 1:] = mesh.weights[ids][:, joints[1:]]
    weights[:, 0] = 1 - weights[:, 1:].sum(axis=1)
    parents = np.array([-1, *[0 if k % 3 == 0 else k for k in range(15)]])
    near = _near(weights, parents)
    rows = regressor(body, space.joints, space.joint_directions, near, np.arange(16))
    return {
        "ids_right": ids, "ids_left": mesh.mirror[ids], "v_template": space.vertices,
        "shapedirs": space.directions, "joint_regressor": rows,
    }  # fmt: skip


def _hand(mesh: Mesh, joints: Array) -> Array:
    """(V,) the right hand with enough of the forearm that the wrist joint lies inside."""
    arm = mesh.weights[:, [19, *joints]].sum(axis=1) > 0.5
    beyond = mesh.vertices[:, 0] < mesh.joints[joints[0], 0] + _FOREARM
    return (mesh.weights[:, joints].sum(axis=1) > 0.5) | (arm & beyond)


def _centred(points: Array, joints: Array) -> tuple[Array, Array]:
    middle = points.mean(axis=-2, keepdims=True)
    return points - middle, joints - middle


PARTS = (
    "background", "torso", "head", "face", "left_upper_arm", "right_upper_arm", "left_lower_arm",
    "right_lower_arm", "left_hand", "right_hand", "left_upper_leg", "right_upper_leg",
    "left_lower_leg", "right_lower_leg", "left_foot", "right_foot",
)  # fmt: skip
_PART_OF = {
    "neck": "head", "head": "head", "jaw": "face", "eye": "face", "shoulder": "upper_arm",
    "elbow": "lower_arm", "wrist": "hand", "hip": "upper_leg", "knee": "lower_leg",
    "ankle": "foot", "foot": "foot",
}  # fmt: skip


def part_labels(mesh: Mesh, expressions: Array) -> Array:
    """(V,) index into PARTS: by the joint that moves a vertex most, the face by its expressions."""
    labels = []
    for name in NAMES:
        side, _, part = name.rpartition("_")
        is_finger = name[-1] in "123" and not name.startswith("spine")
        part = "hand" if is_finger else _PART_OF.get(part, "torso")
        labels.append(PARTS.index(part if part in PARTS else f"{side}_{part}"))
    result = np.array(labels)[mesh.weights.argmax(axis=1)]
    moved = np.abs(expressions).max(axis=(1, 2)) > 2e-4
    result[moved & (result == PARTS.index("head"))] = PARTS.index("face")
    return result
