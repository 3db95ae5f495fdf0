"""A miniature CrowdPose: stills with two people, keypoints in every split, fits in one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.crowdpose.adapter import FITS
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.neural_annot_sample import neural_annot_entries
from ehpsbench.dataset_adapters.sampling import Order, with_sizes
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.skeleton.sources import CROWDPOSE_14

FILMING = Filming(size=(480, 640), actors=2, video=False)


def write(order: Order) -> Truth:
    """Write a miniature release; the sizes of images are in the images only, so there are some."""
    order = replace(order, images=with_sizes(order.images))
    mini = Miniature(order, catalogue.card("crowdpose"), FILMING)
    for clip in mini.clips([(split, split) for split in ("train", "val", "test")]):
        first = 100_000 + 10_000 * clip.index
        fits: dict[str, Any] = {}
        records = []
        for actor in range(clip.actors):
            entries = neural_annot_entries(clip, actor, flat=actor == 1)
            for frame, record in enumerate(_records(mini, clip, actor, first)):
                records.append(record)
                if clip.split == "train":
                    fits[str(record["id"])] = entries[frame]
        images = [_image(mini, clip, frame, first + frame) for frame in range(len(clip))]
        content = {"images": images, "annotations": records}
        save_json(order.root / f"json/crowdpose_{clip.split}.json", content)
        if clip.split == "train":
            save_json(order.root / FITS, fits)
    return mini.save()


def _image(mini: Miniature, clip: Clip, frame: int, number: int) -> dict[str, Any]:
    """A picture and its record, in which width and height are swapped (but not in val)."""
    mini.picture(f"images/{number}.jpg", clip, frame)
    camera = clip.camera(frame)
    size = (camera.width, camera.height)
    width, height = size if clip.split == "val" else size[::-1]
    return {"id": number, "file_name": f"{number}.jpg", "width": width, "height": height}


def _records(mini: Miniature, clip: Clip, actor: int, first: int) -> list[dict[str, Any]]:
    """The annotations of one actor; in the validation split the second one is a crowd."""
    points, boxes = clip.keypoints(CROWDPOSE_14, actor).copy(), clip.box(actor)
    crowd = clip.split == "val" and actor == 1
    records = []
    for frame in range(len(clip)):
        number = 10 * (first + frame) + actor
        points[frame, :, 2] *= 2  # visible
        key = f"{clip.split}/{clip.split}/0/{first + frame}/{number}"
        mini.note(
            key,
            clip,
            frame,
            actor,
            valid=not crowd,
            keypoints=(points[frame], CROWDPOSE_14),
            body=clip.split == "train",
        )
        records.append(
            {
                "id": number,
                "image_id": first + frame,
                "bbox": boxes[frame].tolist(),
                "keypoints": points[frame].ravel().tolist(),
                "num_keypoints": int((points[frame, :12, 2] > 0).sum()),
                "iscrowd": int(crowd),
            }
        )
    return records
