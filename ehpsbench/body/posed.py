"""Rows of the store → joints and meshes in the camera frame, whatever model the labels use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.mesh_joints import check_topology, mesh_joints
from ehpsbench.body.model import BodyModel, checked_betas
from ehpsbench.body.remembered import joints_of
from ehpsbench.errors import InputError
from ehpsbench.meshes import read_vertices
from ehpsbench.schema import present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["betas_of", "posed_joints", "posed_vertices", "smpl_joints"]

Columns = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

JOINTS = 55
_POSE = (
    "global_orient", "body_pose", "left_hand_pose", "right_hand_pose", "jaw_pose", "leye_pose",
    "reye_pose", "smpl_hand_pose", "expression", "transl",
)  # fmt: skip
# Where the joints of each family stand in SMPL-X's order, and which of them it has.
_PLACES = {
    "smplx": (np.arange(55), np.arange(55)),
    "smplh": (np.array([*range(22), *range(25, 55)]), np.arange(52)),
    "smpl": (np.arange(22), np.arange(22)),
    "left": (np.array([20, *range(25, 40)]), np.arange(16)),
    "right": (np.array([21, *range(40, 55)]), np.arange(16)),
}


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows that one forward pass can pose."""

    rows: Rows
    model: BodyModel
    inputs: dict[str, Any]


def posed_joints(
    columns: Columns, bodies: BodySet, root: Path | None = None
) -> tuple[Floats, NDArray[np.bool_]]:
    """Joints of every row, in SMPL-X's order and the camera frame.

    SMPL rows have the 22 joints of the body, hand rows the wrist and its fingers, rows with the
    owners' mesh (`vertices_path`) what the joint regressor finds on it. A null `transl` counts as
    zero, null betas as the mean shape.

    Args:
        columns: instance columns (`schema.COLUMNS`), N rows, nulls masked.
        bodies: the set that the labels belong to.
        root: of the release, for `template_path` and `vertices_path`.

    Returns:
        Joints (N,55,3) [m], NaN where the row has none; (N,55) True where it has.
    """
    count = _count(columns)
    joints, has = np.full((count, JOINTS, 3), np.nan), np.zeros((count, JOINTS), bool)
    for group in _groups(columns, bodies, root):
        _place(joints, has, group.rows, group.model, joints_of(group.model, group.inputs))
    for rows, model, paths in _meshes(columns, bodies, root):
        found = _to_camera(columns, rows, mesh_joints(model, paths))
        _place(joints, has, rows, model, found)
    return joints, has


def smpl_joints(columns: Columns, bodies: BodySet, root: Path | None = None) -> Floats:
    """(N,24,3) SMPL's own joints of every row in the camera frame [m]; NaN for other families.

    They are the joints that the pose turns about, of the model of the row's gender. Arguments as
    in `posed_joints`.
    """
    import torch

    from ehpsbench.body.forward import forward

    joints = np.full((_count(columns), 24, 3), np.nan)
    for group in _groups(columns, bodies, root):
        if group.model.family == "smpl":
            found = forward(group.model, **group.inputs, joints_only=True, dtype=torch.float64)
            joints[group.rows] = found.joints.numpy()
    return joints


def posed_vertices(
    columns: Columns, bodies: BodySet, root: Path | None = None, *, device: str = "cpu"
) -> list[Floats]:
    """The mesh of every row in the camera frame, (V_i,3) [m].

    A hand row has the MANO mesh (both hands: the left one's vertices first); a row without
    parameters has (0,3). Arguments as in `posed_joints`; `device` is where they are posed.
    """
    from ehpsbench.body.forward import forward

    meshes: list[Floats] = [np.empty((0, 3))] * _count(columns)
    for group in _groups(columns, bodies, root):
        vertices = forward(group.model, **group.inputs, device=device).vertices
        if vertices is None:
            continue
        for row, mesh in zip(group.rows, vertices.cpu().numpy().astype(np.float64), strict=True):
            meshes[row] = np.concatenate([meshes[row], mesh]) if len(meshes[row]) else mesh
    for rows, model, paths in _meshes(columns, bodies, root):
        for row, path in zip(rows, paths, strict=True):
            mesh = read_vertices(path)
            check_topology(mesh, model, path)
            meshes[row] = _to_camera(columns, np.array([row]), mesh[None])[0]
    return meshes


def _place(
    joints: Floats, has: NDArray[np.bool_], rows: Rows, model: BodyModel, found: Floats
) -> None:
    to, of = _PLACES[model.gender if model.family == "mano" else model.family]
    joints[rows[:, None], to] = found[:, of]
    has[rows[:, None], to] = True


def _groups(columns: Columns, bodies: BodySet, root: Path | None) -> Iterator[_Group]:
    """Rows by family, gender, kid and template; hands by side."""
    family = _text(columns, "source_model", "smplx")
    gender = _text(columns, "gender", "neutral")
    template = _text(columns, "template_path", "")
    kid = _values(columns, "kid", np.zeros(len(family)))
    whole = _present(columns, "global_orient") & (_text(columns, "vertices_path", "") == "")
    keys = np.stack([family, gender, template, (kid != 0).astype(str)], axis=1)
    keys[family == "mano"] = ""
    for key in sorted({tuple(k) for k in keys[whole & (family != "mano")]}):
        rows = np.flatnonzero(whole & (keys == key).all(axis=1))
        model = bodies.model(key[0], key[1])
        yield _Group(rows, model, _inputs(columns, rows, model, key[2], root))
    for side in ("left", "right"):
        rows = np.flatnonzero((family == "mano") & _present(columns, f"{side}_hand_orient"))
        if len(rows):
            yield _hand(columns, rows, bodies.model("mano", side), side)


def _inputs(
    columns: Columns, rows: Rows, model: BodyModel, template: str, root: Path | None
) -> dict[str, Any]:
    """What `forward` takes, for rows of one group."""
    inputs: dict[str, Any] = {
        name: _values(columns, name)[rows] for name in _POSE if name in columns
    }
    betas = betas_of(columns, rows)
    if betas is not None:
        inputs["betas"] = checked_betas(model, betas)
    if "kid" in columns:
        inputs["kid"] = _values(columns, "kid")[rows]
    if template:
        inputs["template"] = _template(_file(template, root), model)
    return inputs


def betas_of(columns: Columns, rows: Rows) -> Floats | None:
    """(n,S) shape of some rows, the components past 16 behind it where a row has them."""
    if "betas" not in columns:
        return None
    betas = _values(columns, "betas")[rows]
    more = np.asarray(columns.get("betas_more", np.full(_count(columns), None)), object)[rows]
    width = max((len(row) for row in more if row is not None), default=0)
    tail = np.zeros((len(rows), width))
    for place, row in enumerate(more):
        if row is not None:
            tail[place, : len(row)] = row
    return np.concatenate([betas, tail], axis=1)


def _hand(columns: Columns, rows: Rows, model: BodyModel, side: str) -> _Group:
    """Rows with a MANO hand of one side."""
    names = {
        "global_orient": f"{side}_hand_orient",
        f"{side}_hand_pose": f"{side}_hand_pose",
        "transl": f"{side}_hand_transl",
        "betas": f"{side}_hand_betas",
    }
    inputs = {to: _values(columns, of)[rows] for to, of in names.items() if of in columns}
    return _Group(rows, model, inputs)


def _meshes(
    columns: Columns, bodies: BodySet, root: Path | None
) -> Iterator[tuple[Rows, BodyModel, list[Path]]]:
    """Rows that carry the owners' mesh, by the model of its topology, and their files."""
    paths = _text(columns, "vertices_path", "")
    family = _text(columns, "source_model", "smplx")
    gender = _text(columns, "gender", "neutral")
    whole = paths != ""
    for of, its in sorted({*zip(family[whole], gender[whole], strict=True)}):
        rows = np.flatnonzero(whole & (family == of) & (gender == its))
        yield rows, bodies.model(of, its), [_file(path, root) for path in paths[rows]]


def _to_camera(columns: Columns, rows: Rows, points: Floats) -> Floats:
    """(n, P, 3) points of the owners' meshes of some rows, moved to the camera frame."""
    if "world_rotation" not in columns:
        return points
    rotation = _values(columns, "world_rotation")[rows].reshape(-1, 3, 3)
    return points @ rotation.mT + _values(columns, "world_translation")[rows][:, None]


def _template(path: Path, model: BodyModel) -> Floats:
    mesh = _read_vertices(path)
    check_topology(mesh, model, path)
    return mesh


@lru_cache(maxsize=64)
def _read_vertices(path: Path) -> Floats:
    return read_vertices(path)


def _file(path: str, root: Path | None) -> Path:
    if root is None:
        raise InputError(f"{path} is relative to the release, whose folder was not given.")
    return root / path


def _count(columns: Columns) -> int:
    return next((len(values) for values in columns.values()), 0)


def _present(columns: Columns, name: str) -> NDArray[np.bool_]:
    if name not in columns:
        return np.zeros(_count(columns), bool)
    return present(columns[name])


def _values(columns: Columns, name: str, missing: Floats | None = None) -> Floats:
    """A numeric column with nulls as zero."""
    if missing is not None and name not in columns:
        return missing
    values = columns[name]
    data = np.ma.filled(values, 0) if isinstance(values, np.ma.MaskedArray) else values
    return np.asarray(data, np.float64)


def _text(columns: Columns, name: str, default: str) -> NDArray[Any]:
    """A text column with nulls as `default`."""
    if name not in columns:
        return np.full(_count(columns), default, object)
    here = present(columns[name])
    data = np.ma.getdata(columns[name]).astype(object)
    return np.where(here, data, default)
