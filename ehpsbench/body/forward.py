"""Linear blend skinning of any model of the family, batched and differentiable (PyTorch)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ehpsbench.body.model import BodyModel
from ehpsbench.body.skin import Posed, RestShape, model_tensors, posed_chunk
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
    arrays = model_tensors(model, rotations.dtype, str(rotations.device))
    shape = RestShape(model, arrays, betas, expression, kid, template)
    step = _JOINTS_ONLY_CHUNK if joints_only else chunk
    parts = [
        posed_chunk(arrays, rotations[start : start + step], shape, start, step, joints_only)
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
