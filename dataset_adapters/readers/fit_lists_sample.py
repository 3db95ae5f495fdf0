"""Writes a list of EFT or CLIFF for the stills of a miniature release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

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
    """People of a source: SMPL, but of the card's family (without eyes) for the card's own."""
    if source == card.labels:
        return Traits.of(card, eyes=False)
    return Traits.of(card, family="smpl", hands="none", components=None)


def write_list(
    mini: Miniature,
    source: str,
    path: str,
    name: str,
    split: str = "train",
    *,
    annotated: bool = False,
) -> None:
    """Write images and a list of their people: every actor of a still is a row of its own.

    Args:
        mini: with `filming_of` and `people_of` the source; its card has the split.
        source: eft or cliff.
        path: of the list below the root.
        name: pattern of an image's path below images/, to be filled with its number.
        split: of the images.
        annotated: people have the annotation id 10 · number of the image + actor.
    """
    clip = mini.clips([(split, split)])[0]
    numbers = [FIRST + frame for frame in range(len(clip))]
    names = [name.format(number) for number in numbers]
    for frame, each in enumerate(names):
        mini.picture(f"images/{each}", clip, frame)
    joints = EFT_49 if source == "eft" else SPIN_24
    for actor in range(clip.actors):
        points = clip.keypoints(joints, actor)
        for frame, number in enumerate(numbers):
            person = 10 * number + actor if annotated else actor
            key = f"{split}/{split}/0/{number}/{person}"
            mini.note(key, clip, frame, actor, keypoints=(points[frame], joints))
    people = [10 * number + a if annotated else 0 for a in range(clip.actors) for number in numbers]
    (_save_eft if source == "eft" else _save_cliff)(mini.order.root / path, clip, names, people)


def _save_eft(path: Path, clip: Clip, names: list[str], people: list[int]) -> None:
    """EFT has the names alone, and 0 for an annotation that the set does not have."""
    bare = [PurePosixPath(name).name for name in names]
    items = [item for actor in range(clip.actors) for item in eft_items(clip, bare, actor)]
    for item, person in zip(items, people, strict=True):
        item["annotId"] = person
    save_json(path, {"ver": "1.0", "data": items})


def _save_cliff(path: Path, clip: Clip, names: list[str], people: list[int]) -> None:
    """CLIFF has the folder of the images too, and no ids where the set has none."""
    listed = [name if "/" in name else f"images/{name}" for name in names]
    rows = [cliff_arrays(clip, listed, actor) for actor in range(clip.actors)]
    arrays = {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}
    save_npz(path, **arrays, **({"annot_id": people} if any(people) else {}))
