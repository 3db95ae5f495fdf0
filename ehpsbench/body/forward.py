"""Linear blend skinning of any model of the family, batched and differentiable (PyTorch)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ehpsbench.body.model import BodyModel, checked_betas, required_kid
from ehpsbench.errors import InputError

__all__ = ["Posed", "forward", "forward_matrices", "rotation_matrices"]

# In the order of the joints of each family.
_POSE_PARTS: dict[str, tuple[tuple[str, int], ...]] = {
    "smplx": (
        ("global_orient", 3),
        ("body_pose", 63),
        ("jaw_pose", 3),
        ("leye_pose", 3),
        ("reye_pose", 3),
        ("left_hand_pose", 45),
        ("right_hand_pose", 45),
    ),
    "smplh": (
        ("global_orient", 3),
        ("body_pose", 63),
        ("left_hand_pose", 45),
        ("right_hand_pose", 45),
    ),
    "smpl": (("global_orient", 3), ("body_pose", 63), ("smpl_hand_pose", 6)),
    "mano left": (("global_orient", 3), ("left_hand_pose", 45)),
    "mano right": (("global_orient", 3), ("right_hand_pose", 45)),
}
_JOINTS_ONLY_CHUNK = 4096


class Posed(NamedTuple):
    """Vertices (N,V,3), None if only joints were asked for, and joints (N,J,3) [m]."""

    vertices: Tensor | None
    joints: Tensor


class _Tensors(NamedTuple):
    """A model's arrays on a device; directions are transposed for one matrix product each."""

    template: Tensor
    shapedirs: Tensor
    expression_dirs: Tensor
    posedirs: Tensor | None
    joint_regressor: Tensor
    joint_template: Tensor
    joint_shapedirs: Tensor
    joint_expression_dirs: Tensor
    weights: Tensor
    parents: Tensor
    levels: tuple[Tensor, ...]
    by_level: Tensor


def forward(
    model: BodyModel,
    *,
    betas: Any = None,
    expression: Any = None,
    global_orient: Any = None,
    body_pose: Any = None,
    left_hand_pose: Any = None,
    right_hand_pose: Any = None,
    jaw_pose: Any = None,
    leye_pose: Any = None,
    reye_pose: Any = None,
    smpl_hand_pose: Any = None,
    transl: Any = None,
    kid: Any = None,
    template: Any = None,
    joints_only: bool = False,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    chunk: int = 64,
) -> Posed:
    """Posed bodies from axis-angle parameters, NumPy or torch; what is not given is zero.

    Args:
        model: any family; parts of the pose that the family lacks are ignored.
        betas: (N,S') shape.
        expression: (N,E') face shape.
        global_orient: (N,3) [rad], about the rest pelvis (MANO: the wrist).
        body_pose: (N,63).
        left_hand_pose: (N,45) absolute: zero is the flat hand.
        right_hand_pose: (N,45).
        jaw_pose: (N,3).
        leye_pose: (N,3).
        reye_pose: (N,3).
        smpl_hand_pose: (N,6) SMPL's joints 22 and 23.
        transl: (N,3) [m].
        kid: (N,) weight of the kid template.
        template: (V,3) or (N,V,3) personal rest mesh, to which betas are still added [m].
        joints_only: skip the vertices: fifty times faster.
        dtype: float32 or float64.
        device: where to compute.
        chunk: bodies with vertices at a time.

    Returns:
        Vertices (N,V,3) or None, joints (N,J,3) [m].
    """
    pose = {
        "global_orient": global_orient,
        "body_pose": body_pose,
        "jaw_pose": jaw_pose,
        "leye_pose": leye_pose,
        "reye_pose": reye_pose,
        "left_hand_pose": left_hand_pose,
        "right_hand_pose": right_hand_pose,
        "smpl_hand_pose": smpl_hand_pose,
    }
    given = {**pose, "betas": betas, "expression": expression, "transl": transl, "kid": kid}
    tensors = {
        name: torch.as_tensor(value, dtype=dtype, device=device)
        for name, value in given.items()
        if value is not None
    }
    count = _count(tensors, template)
    return forward_matrices(
        model,
        rotation_matrices(_full_pose(model, tensors, count, dtype, device)),
        betas=tensors.get("betas"),
        expression=tensors.get("expression"),
        transl=tensors.get("transl"),
        kid=tensors.get("kid"),
        template=None
        if template is None
        else torch.as_tensor(template, dtype=dtype, device=device),
        joints_only=joints_only,
        chunk=chunk,
    )


def forward_matrices(
    model: BodyModel,
    rotations: Tensor,
    *,
    betas: Tensor | None = None,
    expression: Tensor | None = None,
    transl: Tensor | None = None,
    kid: Tensor | None = None,
    template: Tensor | None = None,
    joints_only: bool = False,
    chunk: int = 64,
) -> Posed:
    """Posed bodies from (N,J,3,3) rotations of the joints; the rest as in `forward`."""
    count = len(rotations)
    arrays = _tensors(model, rotations.dtype, str(rotations.device))
    shape = _Shape(model, arrays, betas, expression, kid, template, count)
    step = _JOINTS_ONLY_CHUNK if joints_only else chunk
    parts = [
        _posed(arrays, rotations[start : start + step], shape, start, step, joints_only)
        for start in range(0, count, step)
    ]
    joints = (
        torch.cat([p.joints for p in parts])
        if parts
        else rotations.new_zeros(0, model.num_joints, 3)
    )
    vertices = None
    if not joints_only:
        meshes = [p.vertices for p in parts if p.vertices is not None]
        vertices = torch.cat(meshes) if meshes else rotations.new_zeros(0, model.num_vertices, 3)
    if transl is not None:
        joints = joints + transl[:, None]
        vertices = None if vertices is None else vertices + transl[:, None]
    return Posed(vertices, joints)


def rotation_matrices(pose: Tensor) -> Tensor:
    """Rodrigues: (N,3J) axis-angle [rad] → (N,J,3,3), smooth at zero."""
    vectors = pose.reshape(len(pose), pose.shape[1] // 3, 3)
    square = (vectors * vectors).sum(-1)
    small = square < 1e-8
    safe = torch.where(small, torch.ones_like(square), square)
    angle = safe.sqrt()
    first = torch.where(small, 1 - square / 6, angle.sin() / angle)
    second = torch.where(small, 0.5 - square / 24, 2 * (angle / 2).sin() ** 2 / safe)
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1)
    cross = cross.reshape(*cross.shape[:-1], 3, 3)
    identity = torch.eye(3, dtype=pose.dtype, device=pose.device)
    turn: Tensor = first[..., None, None] * cross + second[..., None, None] * (cross @ cross)
    return identity + turn


class _Shape:
    """Rest meshes and rest joints of any slice of the batch."""

    def __init__(
        self,
        model: BodyModel,
        arrays: _Tensors,
        betas: Tensor | None,
        expression: Tensor | None,
        kid: Tensor | None,
        template: Tensor | None,
        count: int,
    ) -> None:
        self.arrays, self.template, self.count = arrays, template, count
        # pairs of (N,K) coefficients, (K,3V) and (K,3J) directions
        self.terms: list[tuple[Tensor, Tensor, Tensor]] = []
        if betas is not None and betas.shape[1]:
            known = betas[:, : model.num_betas]
            if betas.shape[1] > model.num_betas:
                checked_betas(model, betas.detach().cpu().numpy())
            width = known.shape[1]
            self.terms.append((known, arrays.shapedirs[:width], arrays.joint_shapedirs[:width]))
        if expression is not None and model.expression_dirs.shape[2]:
            width = min(expression.shape[1], model.expression_dirs.shape[2])
            dirs = arrays.expression_dirs[:width], arrays.joint_expression_dirs[:width]
            self.terms.append((expression[:, :width], *dirs))
        if kid is not None and bool((kid != 0).any()):
            mesh, joints = (
                torch.as_tensor(direction, dtype=kid.dtype, device=kid.device).reshape(1, -1)
                for direction in required_kid(model)
            )
            self.terms.append((kid.reshape(-1, 1), mesh, joints))

    def rest(self, start: int, step: int, of_joints: bool) -> Tensor:
        """(n or 1, V or J, 3)."""
        base = self._base(start, step, of_joints)
        for coefficients, mesh, joints in self.terms:
            part = coefficients[start : start + step] if len(coefficients) > 1 else coefficients
            base = base + (part @ (joints if of_joints else mesh)).reshape(len(part), -1, 3)
        return base

    def _base(self, start: int, step: int, of_joints: bool) -> Tensor:
        if self.template is None:
            own = self.arrays.joint_template if of_joints else self.arrays.template
            return own[None]
        template = self.template if self.template.ndim == 3 else self.template[None]
        part = template[start : start + step] if len(template) > 1 else template
        return self.arrays.joint_regressor @ part if of_joints else part


def _posed(
    arrays: _Tensors, rotations: Tensor, shape: _Shape, start: int, step: int, joints_only: bool
) -> Posed:
    """One chunk: the tree by depth level, then the skin."""
    rest = shape.rest(start, step, of_joints=True).expand(len(rotations), -1, -1)
    parents = arrays.parents
    bones = torch.cat([rest[:, :1], rest[:, 1:] - rest[:, parents[1:]]], dim=1)
    turned, moved = [rotations[:, :1]], [bones[:, :1]]
    for level, (joints, parent_places) in enumerate(_pairs(arrays.levels)):
        above, origin = turned[level][:, parent_places], moved[level][:, parent_places]
        turned.append(above @ rotations[:, joints])
        moved.append(origin + (above @ bones[:, joints, :, None])[..., 0])
    world = torch.cat(turned, dim=1)[:, arrays.by_level]
    joints_posed = torch.cat(moved, dim=1)[:, arrays.by_level]
    if joints_only:
        return Posed(None, joints_posed)
    shift = joints_posed - (world @ rest[..., None])[..., 0]
    transforms = torch.cat([world.flatten(2), shift], dim=2)
    skin = arrays.weights @ transforms
    mesh = shape.rest(start, step, of_joints=False)
    if arrays.posedirs is not None:
        identity = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
        features = (rotations[:, 1:] - identity).flatten(1)
        mesh = mesh + (features @ arrays.posedirs).reshape(len(rotations), -1, 3)
    blended = skin[..., :9].reshape(*skin.shape[:2], 3, 3)
    return Posed((blended @ mesh[..., None])[..., 0] + skin[..., 9:], joints_posed)


def _pairs(levels: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Levels come flat: joints of a depth, then where their parents lie in the depth above."""
    return [(levels[i], levels[i + 1]) for i in range(0, len(levels), 2)]


@lru_cache(maxsize=24)
def _tensors(model: BodyModel, dtype: torch.dtype, device: str) -> _Tensors:
    def tensor(array: Any) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(array), dtype=dtype, device=device)

    def rows(directions: Any) -> Tensor:
        width = directions.shape[0] * directions.shape[1]
        return tensor(np.moveaxis(directions, -1, 0).reshape(directions.shape[-1], width))

    levels, by_level = _levels(model.parents)
    return _Tensors(
        tensor(model.v_template),
        rows(model.shapedirs),
        rows(model.expression_dirs),
        None if model.posedirs is None else tensor(model.posedirs),
        tensor(model.joint_regressor),
        tensor(model.joint_template),
        rows(model.joint_shapedirs),
        rows(model.joint_expression_dirs),
        tensor(model.weights),
        torch.as_tensor(model.parents, dtype=torch.long, device=device),
        tuple(torch.as_tensor(level, dtype=torch.long, device=device) for level in levels),
        torch.as_tensor(by_level, dtype=torch.long, device=device),
    )


def _levels(parents: Any) -> tuple[list[Any], Any]:
    """Joints by depth with their parents' places in the depth above, and the way back."""
    depth = np.zeros(len(parents), int)
    for joint in range(1, len(parents)):
        depth[joint] = depth[parents[joint]] + 1
    groups = [np.flatnonzero(depth == level) for level in range(depth.max() + 1)]
    levels = []
    for above, joints in pairwise(groups):
        levels += [joints, np.searchsorted(above, parents[joints])]
    return levels, np.argsort(np.concatenate(groups))


def _full_pose(
    model: BodyModel,
    tensors: dict[str, Tensor],
    count: int,
    dtype: torch.dtype,
    device: torch.device | str,
) -> Tensor:
    """(N,3J) in the joint order of the family."""
    family = f"mano {model.gender}" if model.family == "mano" else model.family
    columns = []
    for name, width in _POSE_PARTS[family]:
        part = tensors.get(name)
        if part is None:
            part = torch.zeros(1, width, dtype=dtype, device=device)
        part = part.reshape(len(part), -1)
        if part.shape[1] != width:
            raise InputError(f"{name} should have {width} numbers a body and has {part.shape[1]}.")
        columns.append(part.expand(count, -1))
    return torch.cat(columns, dim=1)


def _count(tensors: dict[str, Tensor], template: Any) -> int:
    counts = {name: len(value) for name, value in tensors.items()}
    if template is not None and np.ndim(template) == 3:
        counts["template"] = len(template)
    several = {name: n for name, n in counts.items() if n != 1}
    if len(set(several.values())) > 1:
        raise InputError(f"The parameters are of different numbers of bodies: {several}.")
    return max([*several.values()], default=1) if 0 not in several.values() else 0
