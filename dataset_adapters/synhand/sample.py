"""A miniature SynHand: HumanData under the names that the owners' loader expects."""

from __future__ import annotations

from ehpsbench.dataset_adapters.readers import humandata_sample
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth

__all__ = ["NAMES", "PICTURES", "write"]

NAMES = {  # nothing in the first name says train
    "train": "synhand_20240927_241004_4628_fix_betas.npz",
    "test": "synhand_20241018_test_241023_1188_fix_betas.npz",
}
PICTURES = "img/synbody"  # they lie with SynBody's


def write(order: Order) -> Truth:
    """Write a miniature release."""
    truth = humandata_sample.write(order, dataset="synhand")
    for split, name in NAMES.items():
        for path in order.root.glob(f"annot/synhand_{split}*.npz"):
            path.rename(path.with_name(name))
    pictures = order.root / "img/synhand"
    if pictures.is_dir():
        pictures.rename(order.root / PICTURES)
    return truth
