"""Where horizontal planes cut meshes of one topology, batched."""

from __future__ import annotations

import torch
from torch import Tensor

UP = 1  # y, as the rest poses of the SMPL family have it


def mesh_edges(faces: Tensor) -> Tensor:
    """(E, 2) edges of (F, 3) faces, each once."""
    pairs = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).long()
    edges: Tensor = torch.unique(pairs.sort(1).values, dim=0)
    return edges


def section_points(vertices: Tensor, edges: Tensor, height: Tensor) -> tuple[Tensor, Tensor]:
    """Points where each mesh's edges cross its plane.

    A vertex on the plane counts as below it: a plane through a lowest face has a section, one
    through a highest has none.

    Args:
        vertices: (B, V, 3) with y upwards [m].
        edges: (E, 2).
        height: (B,) of the planes [m].

    Returns:
        (B, P, 2) x and z of the crossings, padded, and (B, P) which of them are real.
    """
    ends = vertices.to(torch.float64)[:, edges]
    above = ends[..., UP] - height.to(torch.float64)[:, None, None]
    crossed = (above[..., 0] > 0) != (above[..., 1] > 0)
    rows, which = crossed.nonzero(as_tuple=True)
    low, high = above[rows, which].unbind(-1)
    share = (low / (low - high))[:, None]
    first, second = ends[rows, which].unbind(-2)
    found = (first + share * (second - first))[:, [0, 2]]
    counts = crossed.sum(1)
    place = torch.arange(len(rows), device=rows.device) - (counts.cumsum(0) - counts)[rows]
    size = int(counts.max()) if len(counts) else 0
    points = ends.new_zeros(len(vertices), size, 2)
    valid = torch.zeros(len(vertices), size, dtype=torch.bool, device=rows.device)
    points[rows, place], valid[rows, place] = found, True
    return points, valid
