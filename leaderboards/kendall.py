"""Kendall's rank correlation of two orders of the same things."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def kendall_tau(one: Sequence[float], other: Sequence[float]) -> float:
    """How far two orders agree: 1 the same, −1 reversed, about 0 unrelated.

    Args:
        one: (N,) a number for each thing; only their order counts.
        other: (N,) another number for each.

    Returns:
        Tau-b, in which pairs that either ties count for neither side; NaN where one ties all.

    Source:
        Kendall 1945, The treatment of ties in ranking problems.
    """
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"two orders of the same things are needed, got {a.shape} and {b.shape}")
    upper = np.triu_indices(len(a), 1)
    left, right = (np.sign(x[:, None] - x[None, :])[upper] for x in (a, b))
    untied = math.sqrt(np.count_nonzero(left) * np.count_nonzero(right))
    return float(np.sum(left * right) / untied) if untied else math.nan
