"""A miniature DNA-Rendering, of which the 12 cameras of 12 megapixels count."""

from __future__ import annotations

from ehpsbench.dataset_adapters.dna_rendering_hires.adapter import CAMERAS
from ehpsbench.dataset_adapters.readers.smc_sample import write_smc
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth


def write(order: Order) -> Truth:
    """Write a miniature release."""
    return write_smc(order, "dna_rendering_hires", CAMERAS)
