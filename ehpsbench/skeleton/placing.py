"""Puts a source's keypoints where the schema keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.skeleton.sources import ALL, EXTRA_START, Map


def keypoint_columns(dimensions: int, *sources: tuple[ArrayLike, Map]) -> dict[str, NDArray[Any]]:
    """The keypoint columns of N people from one or more sources.

    Args:
        dimensions: 2 for pixels, 3 for metres in the camera frame.
        sources: pairs of (N, K, dimensions + 1) values with a score last, and the map of the K
            joints. A joint with a score of 0 or less, or one that is not finite and scored 0, is
            absent; a later source overwrites an earlier one where it is present.

    Returns:
        `keypoints2d` (N, 144·3) and, where any joint is beyond the SMPL-X ones,
        `keypoints2d_extra` (N, 46·3); for three dimensions likewise with 4 values a joint.
    """
    width = dimensions + 1
    count = len(np.asarray(sources[0][0]))
    placed = np.zeros((count, ALL, width))
    filled: set[int] = set()
    for values, joints in sources:
        array = np.asarray(values, np.float64)
        before = 0.0 if filled.isdisjoint(joints) else placed[:, joints]
        filled.update(joints)
        found = np.where(array[..., -1:] > 0, array, before)
        for start, stop in _runs(joints):
            first = joints[start]
            placed[:, first : first + stop - start] = found[:, start:stop]
    name = f"keypoints{dimensions}d"
    columns = {name: placed[:, :EXTRA_START].reshape(count, EXTRA_START * width)}
    if any(max(joints) >= EXTRA_START for _, joints in sources):
        columns[f"{name}_extra"] = placed[:, EXTRA_START:].reshape(
            count, (ALL - EXTRA_START) * width
        )
    return columns


def _runs(joints: Map) -> Iterator[tuple[int, int]]:
    """Places that follow each other in both, which are copied at once."""
    ends = [i for i in range(1, len(joints)) if joints[i] != joints[i - 1] + 1]
    yield from pairwise([0, *ends, len(joints)])
