"""The skinning itself: rest shapes, the tree of joints by depth level, the blended skin."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ehpsbench.body.model import BodyModel, checked_betas, required_kid

__all__ = ["Posed", "RestShape", "Tensors", "model_tensors", "posed_chunk"]


class Posed(NamedTuple):
    """Vertices (N,V,3), None if only joints were asked for, and joints (N,J,3) [m]."""

    vertices: Tensor | None
    joints: Tensor


class Tensors(NamedTuple):
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


class RestShape:
    """Rest meshes and rest joints of any slice of the batch."""

    def __init__(
        self,
        model: BodyModel,
        arrays: Tensors,
        betas: Tensor | None,
        expression: Tensor | None,
        kid: Tensor | None,
        template: Tensor | None,
    ) -> None:
        self.arrays, self.template = arrays, template
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


def posed_chunk(
    arrays: Tensors, rotations: Tensor, shape: RestShape, start: int, step: int, joints_only: bool
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
def model_tensors(model: BodyModel, dtype: torch.dtype, device: str) -> Tensors:
    """The arrays of a model on a device, kept for the next call."""

    def tensor(array: Any) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(array), dtype=dtype, device=device)

    def rows(directions: Any) -> Tensor:
        width = directions.shape[0] * directions.shape[1]
        return tensor(np.moveaxis(directions, -1, 0).reshape(directions.shape[-1], width))

    levels, by_level = _levels(model.parents)
    return Tensors(
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
