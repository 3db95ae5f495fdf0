"""A miniature MPII: stills of two people, some without a fit; or of another source's labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.mpii.adapter import SOURCES
from ehpsbench.dataset_adapters.mpii.owners_sample import write_owners
from ehpsbench.dataset_adapters.readers.fit_lists_sample import filming_of, people_of, write_list
from ehpsbench.dataset_adapters.readers.neural_annot_sample import neural_annot_entries
from ehpsbench.dataset_adapters.sampling import Order, with_sizes
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.skeleton.sources import MPII_16

FILMING = Filming(size=(480, 640), actors=2, video=False)
PADDING = 1.2  # of the boxes of train.json
FIRST = 1000  # number of the first image; annotations count from 0


def write(order: Order, source: str = "neuralannot") -> Truth:
    """Write a miniature release whose labels are of this source of the adapter's."""
    card = catalogue.card("mpii")
    if source in ("eft", "cliff"):  # the sizes of images are in the images only
        order = replace(order, images=with_sizes(order.images))
        mini = Miniature(order, card, filming_of(source, FILMING), people_of(source, card))
        write_list(
            mini, source, SOURCES[source].replace("*", "fits", 1).replace("*", "01"), "{:09d}.jpg"
        )
        return mini.save()
    if source == "owners":
        order = replace(order, images=with_sizes(order.images))
        mini = Miniature(order, card, replace(FILMING, broken=()))
        write_owners(mini)
        return mini.save()
    mini = Miniature(order, card, FILMING, people_of(source, card))
    for clip in mini.clips([("train", "train"), ("test", "test")]):
        _split(mini, clip, SOURCES[source])
    return mini.save()


def _split(mini: Miniature, clip: Clip, fits_path: str) -> None:
    """Images of a split; those of the test split have no labels."""
    labels: dict[str, Any] = {"images": [], "annotations": []}
    fits: dict[str, Any] = {}
    entries = [neural_annot_entries(clip, actor) for actor in range(clip.actors)]
    records = [_records(mini, clip, actor) for actor in range(clip.actors)]
    for frame in range(len(clip)):
        labels["images"].append(_image(mini, clip, frame))
        if clip.split == "test":
            continue
        for actor in range(clip.actors):
            record = records[actor][frame]
            labels["annotations"].append(record)
            if not _bare(mini, frame, actor):
                fits[str(record["id"])] = entries[actor][frame]
    save_json(mini.order.root / f"annotations/{clip.split}.json", labels)
    if clip.split == "train":
        save_json(mini.order.root / fits_path, fits)


def _bare(mini: Miniature, frame: int, actor: int) -> bool:
    """The second person of the first image has no fit."""
    return mini.whole and frame == 0 and actor == 1


def _image(mini: Miniature, clip: Clip, frame: int) -> dict[str, Any]:
    number = FIRST * (clip.index + 1) + frame
    name = f"images/{number:09d}.jpg"
    mini.picture(name, clip, frame)
    camera = clip.camera(frame)
    return {"id": number, "file_name": name, "width": camera.width, "height": camera.height}


def _records(mini: Miniature, clip: Clip, actor: int) -> list[dict[str, Any]]:
    """Annotations of one actor; the person without a fit is not spoilt either."""
    if clip.split == "test":
        return []
    points = clip.keypoints(MPII_16, actor)
    records = []
    for frame in range(len(clip)):
        number, image = clip.actors * frame + actor, FIRST * (clip.index + 1) + frame
        mini.note(
            f"train/train/0/{image}/{number}",
            clip,
            frame,
            actor,
            keypoints=(points[frame], MPII_16),
            body=not _bare(mini, frame, actor),
        )
        records.append(
            {
                "id": number,
                "image_id": image,
                "bbox": _padded(points[frame]),
                "keypoints": points[frame].ravel().tolist(),
            }
        )
    return records


def _padded(points: NDArray[np.float64]) -> list[float]:
    """The box of the keypoints, a pixel smaller and then a fifth larger, as train.json has it."""
    seen = points[points[:, 2] > 0, :2]
    low, high = (seen.min(0), seen.max(0)) if len(seen) else (np.zeros(2), np.ones(2))
    size = PADDING * (high - low - 1)
    return [*((low + high - size) / 2).tolist(), *size.tolist()]
