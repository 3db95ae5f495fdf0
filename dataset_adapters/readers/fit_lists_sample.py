"""Writes a list of EFT or CLIFF for the stills of a miniature release."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ehpsbench.dataset_adapters.card import Card
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json, save_npz
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.cliff_sample import cliff_arrays, cliff_focal
from ehpsbench.dataset_adapters.readers.eft_sample import FOCAL, RULES, eft_items
from ehpsbench.dataset_adapters.traits import Traits
from ehpsbench.skeleton.sources import EFT_49, SPIN_24

__all__ = ["filming_of", "people_of", "write_list"]

FIRST = 1000  # number of the first image of a clip


def filming_of(source: str, filming: Filming) -> Filming:
    """Stills with the camera that a source assumes."""
    if source == "eft":
        return replace(filming, focal=FOCAL, broken=RULES)
    return replace(filming, focal=cliff_focal(filming.size))


def people_of(source: str, card: Card) -> Traits:
    """People of a source: SMPL, but of the card's family where the source is called as it is."""
    if source == card.labels:
        return Traits.of(card)
    return Traits.of(card, family="smpl", hands="none", components=None)


def write_list(mini: Miniature, source: str, path: str, name: str, split: str = "train") -> None:
    """Write images and a list of their people: every actor of a still is a row of its own.

    Args:
        mini: with `filming_of` and `people_of` the source; its card has the split.
        source: eft or cliff.
        path: of the list below the root.
        name: pattern of an image's name, to be filled with its number.
        split: of the images.
    """
    clip = mini.clips([(split, split)])[0]
    names = [name.format(FIRST + frame) for frame in range(len(clip))]
    for frame, each in enumerate(names):
        mini.picture(f"images/{each}", clip, frame)
    for actor in range(clip.actors):
        joints = EFT_49 if source == "eft" else SPIN_24
        points = clip.keypoints(joints, actor)
        for frame in range(len(clip)):
            key = f"{split}/{split}/0/{FIRST + frame}/{actor}"
            mini.note(key, clip, frame, actor, keypoints=(points[frame], joints))
    _save(mini, clip, source, path, names)


def _save(mini: Miniature, clip: Clip, source: str, path: str, names: list[str]) -> None:
    actors = range(clip.actors)
    place = mini.order.root / path
    if source == "eft":
        items = [item for actor in actors for item in eft_items(clip, names, actor)]
        save_json(place, {"ver": "1.0", "data": items})
        return
    listed = [f"images/{each}" for each in names]
    rows = [cliff_arrays(clip, listed, actor) for actor in actors]
    save_npz(place, **{key: np.concatenate([row[key] for row in rows]) for key in rows[0]})
