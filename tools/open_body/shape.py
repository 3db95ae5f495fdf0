"""Shape and expression spaces: principal components of sampled people and of sampled faces."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from open_body.mesh import Mesh
from open_body.source import Array

COMPONENTS = 16
EXPRESSIONS = 10
# Left to the joints: they would move the jaw and the eyes twice.
_NOT_SKIN = ("jaw", "eyeLook", "tongue", "mouthClose")


@dataclass(frozen=True, slots=True)
class Shape:
    """Mean person, unit-variance directions: vertices (V,3), (V,3,S); joints (55,3), (55,3,S)."""

    vertices: Array
    directions: Array
    joints: Array
    joint_directions: Array
    explained: Array

    def shifted(self, shift: tuple[float, ...]) -> Shape:
        """The same people in another place."""
        return replace(self, vertices=self.vertices + shift, joints=self.joints + shift)


def shape_space(mesh: Mesh, people: Array, count: int = COMPONENTS) -> Shape:
    """Principal components of (N,K) sampled people, found in the space of the coefficients."""
    vertices, joints = mesh.person(people.mean(axis=0))
    people = people - people.mean(axis=0)
    variance, axes = np.linalg.eigh(people.T @ people / len(people))
    kept = variance > variance.max() * 1e-10
    coefficients = axes[:, kept].T * np.sqrt(variance[kept])[:, None]
    moves = np.tensordot(coefficients, mesh.shapes, 1).reshape(kept.sum(), -1)
    gram, mixing = np.linalg.eigh(moves @ moves.T)
    mixing = mixing[:, ::-1][:, :count]
    to_coefficients = mixing.T @ coefficients
    directions = np.tensordot(to_coefficients, mesh.shapes, 1)
    signs = np.where(directions[:, :, 1].max(axis=1) >= -directions[:, :, 1].min(axis=1), 1, -1)
    to_coefficients = to_coefficients * signs[:, None]
    return Shape(
        vertices,
        np.moveaxis(np.tensordot(to_coefficients, mesh.shapes, 1), 0, -1),
        joints,
        np.moveaxis(np.tensordot(to_coefficients, mesh.shape_joints, 1), 0, -1),
        gram[::-1][:count].cumsum() / gram.sum(),
    )


def expression_space(mesh: Mesh, units: list[str]) -> tuple[Array, Array]:
    """(V,3,10) unit-variance expression directions; zero stays the neutral face."""
    rng = np.random.default_rng(21)
    skin = np.array([not unit.startswith(_NOT_SKIN) for unit in units])
    moves = mesh.face_shapes[skin].reshape(skin.sum(), -1)
    active = rng.random((4000, skin.sum())) < 0.15
    samples = active * rng.beta(2.0, 2.0, active.shape)
    paired = [u.replace("Left", "Right") for u in np.array(units)[skin]]
    for unit, twin in enumerate(paired):  # most faces are near symmetric
        other = list(np.array(units)[skin]).index(twin)
        both = rng.random(len(samples)) < 0.7
        samples[both, other] = samples[both, unit]
    size, axes = np.linalg.eigh(samples.T @ samples / len(samples))
    mixed = np.sqrt(np.clip(size, 0, None))[:, None] * (axes.T @ moves)
    gram, mixing = np.linalg.eigh(mixed @ mixed.T)
    directions = mixing[:, ::-1][:, :EXPRESSIONS].T @ mixed
    largest = np.take_along_axis(directions, np.abs(directions).argmax(1)[:, None], 1)
    directions = (directions * np.sign(largest)).reshape(EXPRESSIONS, -1, 3)
    return np.moveaxis(directions, 0, -1), gram[::-1][:EXPRESSIONS].cumsum() / gram.sum()
