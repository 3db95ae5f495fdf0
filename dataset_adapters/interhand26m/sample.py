"""A miniature InterHand2.6M."""

from __future__ import annotations

from ehpsbench.dataset_adapters.readers.interhand_sample import Layout, write_interhand
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth

LAYOUT = Layout("interhand26m", "InterHand2.6M")
CAPTURES = (("train", "0"), ("val", "1"), ("test", "2"))


def write(order: Order) -> Truth:
    """Write a miniature release: a capture a split, three cameras."""
    return write_interhand(order, LAYOUT, CAPTURES)
