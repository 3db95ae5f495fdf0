"""A miniature HumanSC3D."""

from __future__ import annotations

from ehpsbench.dataset_adapters.readers.imar_sample import write_imar
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth

ACTIONS = (("s01", "001"), ("s02", "042"))


def write(order: Order) -> Truth:
    """Write a miniature release: two actions of two subjects in four views."""
    return write_imar(order, "humansc3d", ACTIONS)
