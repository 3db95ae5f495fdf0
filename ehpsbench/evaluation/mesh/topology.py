"""SMPL-X meshes brought to the vertices of SMPL."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet


@lru_cache(maxsize=2)
def smplx_to_smpl(bodies: BodySet) -> Tensor | None:
    """(V', V), sparse: the owners' file is half a gigabyte of zeros."""
    matrix = bodies.smplx_to_smpl()
    if matrix is None:
        return None
    rows, columns = np.nonzero(matrix)
    weights = torch.from_numpy(matrix[rows, columns].astype(np.float64))
    return torch.sparse_coo_tensor(
        torch.from_numpy(np.stack([rows, columns])), weights, matrix.shape, check_invariants=True
    ).coalesce()


def mapped(regressor: Tensor, vertices: Tensor) -> Tensor:
    """Sparse (P, V) rows on (B, V, 3) meshes → (B, P, 3)."""
    count, size = len(vertices), vertices.shape[1]
    flat = vertices.to(regressor.dtype).permute(1, 0, 2).reshape(size, count * 3)
    found: Tensor = torch.sparse.mm(regressor, flat)
    return found.reshape(-1, count, 3).permute(1, 0, 2)
