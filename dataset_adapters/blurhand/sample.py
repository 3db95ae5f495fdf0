"""A miniature BlurHand."""

from __future__ import annotations

from ehpsbench.dataset_adapters.readers.interhand_sample import Layout, write_interhand
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth

LAYOUT = Layout("blurhand", "BlurHand", "blur_images", middle=True)
CAPTURES = (("train", "0"), ("test", "1"))


def write(order: Order) -> Truth:
    """Write a miniature release: a capture a split, three cameras."""
    return write_interhand(order, LAYOUT, CAPTURES)
