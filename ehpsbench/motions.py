"""Motions have no pictures: what needs some refuses them, in one sentence."""

from __future__ import annotations

from ehpsbench.errors import InputError
from ehpsbench.store import Store

__all__ = ["refuse_motions"]


OTHERS = (
    "Take another dataset: those of the kind motion (`ehpsbench datasets --kind motion`) are for "
    "their poses and paths"
)


def refuse_motions(store: Store, dataset: str, why: str, remedy: str = OTHERS) -> None:
    """Refuse a dataset of the store that has no pictures.

    Args:
        store: with the dataset.
        dataset: its name in it.
        why: what wants pictures, as a clause: "a model is trained on pictures".
        remedy: what to do instead.

    Raises:
        InputError: it holds motions.
        UnknownName: the store has no such dataset.
    """
    if not store.pictured(dataset):
        raise InputError(f"{dataset} holds motions without pictures, and {why}. {remedy}.")
