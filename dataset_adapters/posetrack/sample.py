"""A miniature PoseTrack18: videos of two people, fitted by EFT, image names in three forms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.eft_sample import FOCAL, RULES, eft_items
from ehpsbench.dataset_adapters.sampling import Order, with_sizes
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.skeleton.sources import EFT_49, POSETRACK_17

FILMING = Filming(size=(360, 640), actors=2, focal=FOCAL, broken=RULES)
VIDEOS = (
    ("train", "000001_bonn_train"),
    ("train", "000522_mpii_train"),
    ("train", "014403_mpii_train"),
    ("val", "000342_mpii_test"),
)
FORMS = ("{0}/{1}", "images/train/{0}/{1}", "{1}", "")  # of imageName, one a video
TRACKS = (3, 0)  # of the two people
WITHOUT_FILE = 2  # the video that only EFT knows
BARE = (0, 0, 1)  # video, frame and actor whom EFT did not fit


def write(order: Order) -> Truth:
    """Write a miniature release; the sizes of images are in the images only, so there are some."""
    order = replace(order, images=with_sizes(order.images))
    mini = Miniature(order, catalogue.card("posetrack"), FILMING)
    items: list[dict[str, Any]] = []
    for clip in mini.clips(VIDEOS):
        base = clip.index % 2  # some videos count from 0, some from 1
        files = [f"{base + frame:06d}.jpg" for frame in range(len(clip))]
        for frame, file in enumerate(files):
            mini.picture(f"images/{clip.split}/{clip.name}/{file}", clip, frame)
        items += _fits(mini, clip, files)
        if clip.index != WITHOUT_FILE:
            path = f"posetrack_data/annotations/{clip.split}/{clip.name}.json"
            save_json(order.root / path, _labels(mini, clip, files))
        _note(mini, clip, files)
    save_json(order.root / "eft_fit/PoseTrack_ver01.json", {"ver": "1.0", "data": items})
    return mini.save()


def _fitted(mini: Miniature, clip: Clip, frame: int, actor: int) -> bool:
    return clip.split == "train" and not (mini.whole and (clip.index, frame, actor) == BARE)


def _fits(mini: Miniature, clip: Clip, files: list[str]) -> list[dict[str, Any]]:
    names = [FORMS[clip.index % len(FORMS)].format(clip.name, file) for file in files]
    return [
        item | {"subjectId": f"images/train/{clip.name}-id{TRACKS[actor]:03d}"}
        for actor in range(clip.actors)
        for frame, item in enumerate(eft_items(clip, names, actor))
        if _fitted(mini, clip, frame, actor)
    ]


def _labels(mini: Miniature, clip: Clip, files: list[str]) -> dict[str, Any]:
    """The owners' file of a video: a frame more than is labelled, a person without a box."""
    path = f"images/{clip.split}/{clip.name}/"
    images = [
        {"id": 100 + frame, "file_name": path + file, "is_labeled": True}
        for frame, file in enumerate(files)
    ]
    images.append({"id": 99, "file_name": path + "000999.jpg", "is_labeled": False})
    people: list[dict[str, Any]] = []
    for actor in range(clip.actors):
        points, boxes = clip.keypoints(POSETRACK_17, actor).copy(), clip.box(actor)
        points[:, 3:5] = 0.0  # ears are never annotated
        for frame in range(len(clip)):
            person = {"id": len(people), "image_id": 100 + frame, "track_id": TRACKS[actor]}
            person |= {"keypoints": points[frame].ravel()}
            people.append(person if actor else person | {"bbox": boxes[frame]})
    return {"images": images, "annotations": people}


def _note(mini: Miniature, clip: Clip, files: list[str]) -> None:
    for actor in range(clip.actors):
        own, listed = clip.keypoints(POSETRACK_17, actor).copy(), clip.keypoints(EFT_49, actor)
        own[:, 3:5] = 0.0
        for frame, file in enumerate(files):
            fitted = _fitted(mini, clip, frame, actor)
            both = np.concatenate([listed[frame] * fitted, own[frame]])
            if clip.index == WITHOUT_FILE:
                both[len(EFT_49) :] = 0.0
            key = f"{clip.split}/{clip.name}/0/{int(file[:6])}/{TRACKS[actor]:03d}"
            joints = (*EFT_49, *POSETRACK_17)
            mini.note(key, clip, frame, actor, keypoints=(both, joints), body=fitted)
