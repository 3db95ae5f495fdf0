"""A coarse mesh whose vertices are a mirror-closed subset of the full one's."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from open_body.mesh import Mesh
from open_body.source import Array

BODY_FACES = 1444  # of half a body
EYE_FACES = 56


def small(mesh: Mesh, vertices: Array) -> tuple[Array, Array]:
    """Ids (W,) into the full mesh, ascending, and faces (G,3) among them."""
    left = vertices[mesh.faces].mean(axis=1)[:, 0] > 0
    parts = _components(len(vertices), mesh.faces[left])
    half = []
    for part in np.unique(parts[mesh.faces[left][:, 0]]):
        faces = mesh.faces[left][parts[mesh.faces[left][:, 0]] == part]
        is_body = len(faces) > 5000
        named = [v for v in mesh.named.values() if np.isin(v, faces)]
        half.append(_coarse(vertices, faces, BODY_FACES if is_body else EYE_FACES, named))
    faces = np.concatenate(half)
    faces = np.concatenate([faces, mesh.mirror[faces][:, ::-1]])
    ids = np.unique(faces)
    return ids, np.searchsorted(ids, faces)


def _components(count: int, faces: Array) -> Array:
    pairs = np.concatenate([faces[:, :2], faces[:, 1:]])
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


def _coarse(vertices: Array, faces: Array, target: int, named: list[int]) -> Array:
    """Faces of the coarse part, in ids of the full mesh."""
    import pyfqmr

    ids = np.unique(faces)
    simplify = pyfqmr.Simplify()
    simplify.setMesh(vertices[ids], np.searchsorted(ids, faces))
    simplify.simplify_mesh(target_count=target, aggressiveness=4, preserve_border=True, verbose=0)
    points, coarse, _ = simplify.getMesh()
    middle = np.abs(vertices[ids, 0]) < 1e-6
    snapped = ids[cKDTree(vertices[ids]).query(points)[1]]
    on_middle = np.abs(points[:, 0]) < 1e-6
    snapped[on_middle] = (
        ids[middle][cKDTree(vertices[ids][middle]).query(points[on_middle])[1]]
        if on_middle.any()
        else snapped[on_middle]
    )
    for vertex in named:  # the named points stay exactly where they are
        allowed = np.abs(vertices[snapped, 0]) < 1e-6
        allowed = allowed if abs(vertices[vertex, 0]) < 1e-6 else ~allowed
        distance = np.linalg.norm(vertices[snapped] - vertices[vertex], axis=1)
        nearest = snapped[np.where(allowed, distance, 9.0).argmin()]
        snapped[snapped == nearest] = vertex
    welded = snapped[coarse]
    proper = (welded != np.roll(welded, 1, axis=1)).all(axis=1)
    _, first = np.unique(np.sort(welded[proper], axis=1), axis=0, return_index=True)
    return np.asarray(welded[proper][np.sort(first)])
