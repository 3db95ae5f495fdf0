"""A miniature CHI3D."""

from __future__ import annotations

from ehpsbench.dataset_adapters.chi3d.adapter import PEOPLE
from ehpsbench.dataset_adapters.readers.imar_sample import write_imar
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth

ACTIONS = (("s02", "hug 6"), ("s03", "grab 1"))


def write(order: Order) -> Truth:
    """Write a miniature release: two actions of two subjects in four views."""
    return write_imar(order, "chi3d", ACTIONS, PEOPLE)
