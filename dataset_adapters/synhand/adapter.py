"""SynHand: HumanData files; more is not known of it, for its owners have not released it yet."""

from __future__ import annotations

from ehpsbench.dataset_adapters.readers.humandata import read, units

__all__ = ["read", "units"]
