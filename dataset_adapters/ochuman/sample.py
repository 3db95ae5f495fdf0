"""A miniature OCHuman: two people close together, fitted by EFT, in the owners' own file too."""

from __future__ import annotations

from typing import Any

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.eft_sample import FOCAL, RULES, eft_items
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.skeleton.sources import EFT_49, OCHUMAN_19

FILMING = Filming(size=(480, 640), actors=2, video=False, focal=FOCAL, broken=RULES)
NAMES = (
    "right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist right_hip "
    "right_knee right_ankle left_hip left_knee left_ankle head neck right_ear left_ear nose "
    "right_eye left_eye"
)
CODES = {"missing": 0, "visible": 1, "self_occluded": 2, "others_occluded": 3}
GUESSED = 3.0  # code of a joint behind somebody else


def write(order: Order) -> Truth:
    """Write a miniature release; ochuman.json knows the sizes of the images."""
    mini = Miniature(order, catalogue.card("ochuman"), FILMING)
    images: list[dict[str, Any]] = []
    for clip in mini.clips([("train", "train"), ("test", "test")]):
        first = len(images) + 1
        names = [f"{first + frame:06d}.jpg" for frame in range(len(clip))]
        images += _images(mini, clip, names)
        people = [eft_items(clip, names, actor) for actor in range(clip.actors)]
        items = [
            item
            for frame, of_frame in enumerate(zip(*people, strict=True))
            for actor, item in enumerate(of_frame)
            if not _bare(mini, clip, frame, actor)
        ]
        save_json(order.root / f"eft_fit/OCHuman_{clip.split}_ver10.json", {"data": items})
    content = {"keypoint_names": NAMES.split(), "keypoint_visible": CODES, "images": images}
    save_json(order.root / "ochuman.json", content)
    return mini.save()


def _bare(mini: Miniature, clip: Clip, frame: int, actor: int) -> bool:
    """The second person of the first training image has no fit."""
    return mini.whole and (clip.split, frame, actor) == ("train", 0, 1)


def _images(mini: Miniature, clip: Clip, names: list[str]) -> list[dict[str, Any]]:
    """The owners' records: others first, without keypoints or masks, then the fitted people."""
    own = [clip.keypoints(OCHUMAN_19, actor) for actor in range(clip.actors)]
    all_points = [clip.keypoints(EFT_49, actor) for actor in range(clip.actors)]
    boxes = [clip.box(actor) for actor in range(clip.actors)]
    records = []
    for frame, name in enumerate(names):
        mini.picture(f"images/{name}", clip, frame)
        other: dict[str, Any] = {"bbox": [0, 0, 50, 60], "keypoints": None, "segms": None}
        people = [other]
        for actor in range(clip.actors):
            points = own[actor][frame].copy()
            points[::2, 2] *= GUESSED
            corner, size = boxes[actor][frame, :2], boxes[actor][frame, 2:]
            corners = [*corner, *(corner + size)]
            people.append({"bbox": corners, "keypoints": points.ravel().tolist(), "segms": None})
            bare = _bare(mini, clip, frame, actor)  # the last actor is the owners' first
            person = f"owners{clip.actors - 1 - actor}" if bare else actor
            key = f"{clip.split}/{clip.split}/0/{int(name[:6])}/{person}"
            joints = (*EFT_49, *OCHUMAN_19)
            both = np.concatenate([all_points[actor][frame] * (not bare), own[actor][frame]])
            mini.note(key, clip, frame, actor, keypoints=(both, joints), body=not bare)
        camera = clip.camera(frame)
        record = {"image_id": name[:6], "file_name": name, "annotations": people[::-1]}
        records.append(record | {"width": camera.width, "height": camera.height})
    return records
