"""A miniature FIT3D."""

from __future__ import annotations

from ehpsbench.dataset_adapters.readers.imar_sample import write_imar
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth

ACTIONS = (("s03", "squat"), ("s04", "warmup_1"))


def write(order: Order) -> Truth:
    """Write a miniature release: two actions of two subjects in four views."""
    return write_imar(order, "fit3d", ACTIONS)
