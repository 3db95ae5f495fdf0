"""Rotations on the device: six numbers → matrix and back, and turns about z."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def from_six(six: Tensor) -> Tensor:
    """(..., 6) → (..., 3, 3): the first two columns, made orthonormal (Zhou et al. 2019)."""
    first, second = six[..., :3], six[..., 3:]
    x = functional.normalize(first, dim=-1)
    y = functional.normalize(second - (x * second).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], -1)


def to_six(matrix: Tensor) -> Tensor:
    """(..., 3, 3) → (..., 6): the first two columns, one after the other."""
    return matrix[..., :2].transpose(-1, -2).flatten(-2)


def chained(rotations: Tensor, chain: tuple[int, ...]) -> Tensor:
    """(B, J, 3, 3) → (B, 3, 3): the product along a chain of joints, root first."""
    product = rotations[:, chain[0]]
    for joint in chain[1:]:
        product = product @ rotations[:, joint]
    return product


def rotation_z(angle: Tensor) -> Tensor:
    """(N,) angles [rad] → (N, 3, 3) rotations about z."""
    cos, sin = angle.cos(), angle.sin()
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    rows = [cos, -sin, zero, sin, cos, zero, zero, zero, one]
    return torch.stack(rows, -1).reshape(-1, 3, 3)


def turn_to_axis(ray: Tensor) -> Tensor:
    """(N, 3) rays with z > 0 → (N, 3, 3) shortest rotations that take each to the z axis."""
    x, y, z = functional.normalize(ray, dim=-1).unbind(-1)
    k = 1 / (1 + z)
    rows = [1 - k * x * x, -k * x * y, -x, -k * x * y, 1 - k * y * y, -y, x, y, z]
    return torch.stack(rows, -1).reshape(-1, 3, 3)
