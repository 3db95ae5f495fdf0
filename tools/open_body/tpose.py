"""From MakeHuman's bent A-pose to SMPL-X's T-pose by constant rotations of the bones.

The rotations are found once, on the mean adult; because they are constant, what was linear in the
blend shapes stays linear, and the shapes carry over exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from open_body.source import Array, Source

# Unit directions of the left side, from the look of SMPL-X's own rest pose.
_ARM = {
    "clavicle": None,  # only turned up by COLLAR_UP
    "upperarm01": (np.cos(0.17), -0.17, -0.12),
    "lowerarm01": (1.0, 0.02, 0.0),
    "wrist": (1.0, -0.02, 0.0),
}
_COLLAR_UP = np.deg2rad(18.0)
_LEG = {"upperleg01": (0.055, -1.0, -0.015), "lowerleg01": (0.0, -1.0, -0.085)}
_FINGERS = (2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Straightened:
    """Constant global rotation of each bone, (B,3,3), that brings the rest pose to the T-pose."""

    rotations: Array
    parents: Array
    weights: Array

    def apply(self, vertices: Array, heads: Array) -> tuple[Array, Array]:
        """(…,V,3), (…,B,3) → the same in T-pose; linear, so it also takes differences."""
        moved = np.array(heads, copy=True)
        for bone, parent in enumerate(self.parents):
            if parent >= 0:
                step = heads[..., bone, :] - heads[..., parent, :]
                moved[..., bone, :] = moved[..., parent, :] + step @ self.rotations[parent].T
        blended = np.einsum("vb,bij->vij", self.weights, self.rotations)
        turned = np.einsum("bij,...bj->...bi", self.rotations, heads)
        shift = np.einsum("vb,...bi->...vi", self.weights, moved - turned)
        return np.einsum("vij,...vj->...vi", blended, vertices) + shift, moved


def straightened(source: Source) -> Straightened:
    """The T-pose of the mean adult."""
    mean = source.people["neutral"].mean(axis=0)
    heads = source.heads + np.tensordot(mean, source.shape_heads, 1)
    tails = source.tails + np.tensordot(mean, source.shape_tails, 1)
    left = _left_rotations(source, heads, tails)
    rotations = np.tile(np.eye(3), (len(source.bones), 1, 1))
    mirror = np.diag([-1.0, 1.0, 1.0])
    for bone, name in enumerate(source.bones):
        if name.endswith(".R"):
            rotations[bone] = mirror @ left[source.bones.index(name[:-2] + ".L")] @ mirror
        elif name.endswith(".L"):
            rotations[bone] = left[bone]
    return Straightened(rotations, source.parents, source.weights)


def _left_rotations(source: Source, heads: Array, tails: Array) -> Array:
    """Global rotations, filled from the trunk outwards: a bone starts with its parent's."""
    bones, rotations = source.bones, np.tile(np.eye(3), (len(source.bones), 1, 1))
    hinge, palm = _hinge(bones, heads), _palm(bones, heads)

    def direction(name: str, end: str | None = None) -> Array:
        start = bones.index(name)
        stop = heads[bones.index(end)] if end else tails[start]
        return np.asarray(stop - heads[start])

    for bone, name in enumerate(bones):
        parent = source.parents[bone]
        turn = rotations[parent] if parent >= 0 else np.eye(3)
        stem = name[:-2]
        if not name.endswith(".L"):
            pass
        elif stem == "clavicle":
            turn = _about((0.0, 0.0, 1.0), _COLLAR_UP) @ turn
        elif stem == "upperarm01":
            turn = _aligned(turn, direction(name, "lowerarm01.L"), _ARM[stem])
            turn = _rolled(turn, hinge, _ARM[stem], (0.0, -1.0, 0.0))
        elif stem == "lowerarm01":
            turn = _aligned(turn, direction(name, "wrist.L"), _ARM[stem])
            turn = _rolled(turn, (hinge + palm) / 2, _ARM[stem], (0.0, -1.0, 0.0))
        elif stem == "wrist":
            turn = _aligned(turn, direction(name, "finger3-1.L"), _ARM[stem])
            turn = _rolled(turn, palm, _ARM[stem], (0.0, -1.0, 0.0))
        elif stem in _LEG:
            end = {"upperleg01": "lowerleg01.L", "lowerleg01": "foot.L"}[stem]
            turn = _aligned(turn, direction(name, end), _LEG[stem])
        elif stem == "foot":
            turn = np.eye(3)  # MakeHuman's feet stand flat
        elif stem.startswith("finger"):
            turn = _straight_finger(turn, stem, rotations, bones, direction)
        rotations[bone] = turn
    return rotations


def _straight_finger(turn, stem, rotations, bones, direction):
    """Fingers lie in the palm's plane, in line with their first bone; the thumb is straight."""
    finger, knuckle = int(stem[6]), int(stem[8])
    wrist = rotations[bones.index("wrist.L")]
    first = wrist @ _bone(direction, f"finger{finger}-{1 if finger in _FINGERS else 2}")
    if finger in _FINGERS:
        first = first * np.array([1.0, 0.0, 1.0])
    elif knuckle == 1:
        return turn
    return _aligned(turn, _bone(direction, stem), first)


def _bone(direction, stem):
    finger, knuckle = stem[:-1], int(stem[-1])
    end = f"{finger}{knuckle + 1}.L" if knuckle < 3 else None
    return direction(f"{stem}.L", end)


def _hinge(bones: list[str], heads: Array) -> Array:
    """Axis of the bent left elbow, pointing so that turning about it bends the arm."""
    shoulder, elbow, wrist = (
        heads[bones.index(b)] for b in ("upperarm01.L", "lowerarm01.L", "wrist.L")
    )
    return _unit(np.cross(elbow - shoulder, wrist - elbow))


def _palm(bones: list[str], heads: Array) -> Array:
    """Normal of the left palm, pointing out of it."""
    wrist, index, pinky = (heads[bones.index(b)] for b in ("wrist.L", "finger2-1.L", "finger5-1.L"))
    return _unit(np.cross(pinky - wrist, index - wrist))


def _unit(vector: Array) -> Array:
    vector = np.asarray(vector, dtype=float)
    return vector / np.linalg.norm(vector)


def _about(axis: Array, angle: float) -> Array:
    x, y, z = _unit(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _aligned(turn: Array, vector: Array, target: Array) -> Array:
    """`turn`, then the smallest rotation that brings `vector` onto `target`."""
    start, stop = _unit(turn @ vector), _unit(target)
    axis = np.cross(start, stop)
    if np.linalg.norm(axis) < 1e-9:
        return turn
    return _about(axis, np.arctan2(np.linalg.norm(axis), start @ stop)) @ turn


def _rolled(turn: Array, vector: Array, axis: Array, target: Array) -> Array:
    """`turn`, then the roll about `axis` that brings `vector` nearest to `target`."""
    axis = _unit(axis)
    start, stop = turn @ vector, np.asarray(target)
    start, stop = start - axis * (start @ axis), stop - axis * (stop @ axis)
    angle = np.arctan2(np.cross(start, stop) @ axis, start @ stop)
    return _about(axis, angle) @ turn
