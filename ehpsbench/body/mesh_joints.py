"""Joints on the owners' meshes: an adapter asks for a unit's, and the checks ask again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.model import BodyModel
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.meshes import read_vertices

__all__ = ["check_topology", "mesh_joints"]

Floats = NDArray[np.float64]
State = tuple[tuple[str, int, int], ...]
"""Path, time of the last change [ns] and bytes of each file."""

_latest: list[tuple[BodyModel, State, Floats]] = []  # one at most


def mesh_joints(model: BodyModel, paths: Sequence[Path]) -> Floats:
    """(N, J, 3) joints that the regressor finds on N meshes, in their frame; read-only.

    The latest answer is kept for as long as none of its files changes.

    Args:
        model: whose topology the meshes have.
        paths: (N,) .ply or .obj files. A mesh with a vertex that is not finite has no finite joint.

    Raises:
        InputError: a mesh is of another topology, or broken.
        MissingFiles: one is not there.
    """
    state = _state(paths)
    for known, then, joints in _latest:
        if known is model and then == state:
            return joints
    joints = np.empty((len(paths), model.num_joints, 3))
    for row, path in enumerate(paths):
        vertices = read_vertices(path)
        check_topology(vertices, model, path)
        joints[row] = model.joint_regressor @ vertices
    joints.setflags(write=False)
    _latest[:] = [(model, state, joints)]
    return joints


def check_topology(vertices: Floats, model: BodyModel, path: Path | str) -> None:
    """Raise InputError unless (V, 3) vertices are as many as the model has."""
    if len(vertices) != model.num_vertices:
        raise InputError(
            f"{path} has {len(vertices)} vertices, {model.name} {model.num_vertices}: the mesh "
            "belongs to another body model, or is a scan. Give the models that the release was "
            "made with."
        )


def _state(paths: Sequence[Path]) -> State:
    try:
        found = [(str(path), path.stat()) for path in paths]
    except OSError as error:
        raise MissingFiles(f"The mesh {error.filename} cannot be read: {error}.") from error
    return tuple((path, about.st_mtime_ns, about.st_size) for path, about in found)
