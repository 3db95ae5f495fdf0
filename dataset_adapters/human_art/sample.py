"""A miniature Human-Art: stills of two people, 17 and 21 joints, crowds, occluded joints."""

from __future__ import annotations

from typing import Any

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.skeleton.sources import COCO_17

FILMING = Filming(size=(480, 360), actors=2, video=False, broken=("box_inside_image",))
SCENARIOS = (
    ("training", "real_human/dance"),
    ("training", "2D_virtual_human/oil_painting"),
    ("validation", "3D_virtual_human/sculpture"),
)
PREFIX = "HumanArt"
OCCLUDED = 7  # joint of everybody: annotated, not visible
CROWD, EMPTY = 0, 1  # frames of the last scenario whose second person is a crowd, has no joints


def write(order: Order) -> Truth:
    """Write a miniature release."""
    mini = Miniature(order, catalogue.card("human_art"), FILMING)
    files: dict[str, dict[str, list[Any]]] = {}
    for clip in mini.clips(SCENARIOS, fewest=2 if mini.whole else 1):
        content = files.setdefault(clip.split, {"info": [], "images": [], "annotations": []})
        first = 1_000_000 * (clip.index + 1)
        for frame in range(len(clip)):
            path = f"images/{clip.name}/{first + frame:012d}.jpg"
            mini.picture(path, clip, frame)
            content["images"].append(_image(clip, frame, first + frame, path))
            for actor in range(clip.actors):
                content["annotations"].append(_annotation(mini, clip, frame, actor, first + frame))
    for split, content in files.items():
        save_json(order.root / f"annotations/{split}_humanart.json", content)
        mixed = {**content, "images": content["images"] + [{"id": 1, "file_name": "../coco/1.jpg"}]}
        save_json(order.root / f"annotations/{split}_humanart_coco.json", mixed)
    return mini.save()


def _image(clip: Clip, frame: int, number: int, path: str) -> dict[str, Any]:
    camera = clip.camera(frame)
    return {
        "id": number,
        "file_name": f"{PREFIX}/{path}",
        "width": camera.width,
        "height": camera.height,
        "category": clip.name.partition("/")[2],
        "description": "",
    }


def _annotation(mini: Miniature, clip: Clip, frame: int, actor: int, image: int) -> dict[str, Any]:
    """Somebody; in the training split the second person has the 21 joints only."""
    number = 10 * image + actor
    special = mini.whole and clip.split == "validation" and actor == 1
    crowd, empty = special and frame == CROWD, special and frame == EMPTY
    points = clip.keypoints(COCO_17, actor)[frame].copy()
    box = clip.box(actor)[frame].copy()
    points[:, 2] *= 2  # visible
    if points[OCCLUDED, 2]:
        points[OCCLUDED, 2] = 1
    if empty:
        points[:] = 0
    if clip.broken[frame]:
        box[0] += 5_000.0
    key = f"{clip.split}/{clip.name.replace('/', ':')}/0/{image}/{number}"
    valid = not (crowd or empty)
    mini.note(key, clip, frame, actor, valid=valid, keypoints=(points, COCO_17))
    ends = np.column_stack([np.tile(box[:2], (4, 1)), np.full(4, 2.0)])
    more = [*points.ravel().tolist(), *ends.ravel().tolist()]
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "bbox": box.tolist(),
        "area": float(box[2] * box[3]),
        "iscrowd": int(crowd),
        "num_keypoints": int((points[:, 2] > 0).sum()),
        "keypoints_21": more,
        "self_contact": [],
    } | ({} if clip.split == "training" and actor == 1 else {"keypoints": more[:51]})
