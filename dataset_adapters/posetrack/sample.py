"""A miniature PoseTrack18: videos of two people, fitted by EFT, image names in three forms."""

from __future__ import annotations

from dataclasses import replace

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.eft_sample import FOCAL, RULES, eft_items
from ehpsbench.dataset_adapters.sampling import Order, with_sizes
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.skeleton.sources import EFT_49

FILMING = Filming(size=(360, 640), actors=2, focal=FOCAL, broken=RULES)
VIDEOS = ("000001_bonn_train", "000522_mpii_train", "014403_mpii_train")
FORMS = ("{0}/{1}", "images/train/{0}/{1}", "{1}")  # of imageName, one a video


def write(order: Order) -> Truth:
    """Write a miniature release; the sizes of images are in the images only, so there are some."""
    order = replace(order, images=with_sizes(order.images))
    mini = Miniature(order, catalogue.card("posetrack"), FILMING)
    items = []
    for clip in mini.clips([("train", video) for video in VIDEOS]):
        base = clip.index % 2  # some videos count from 0, some from 1
        files = [f"{base + frame:06d}.jpg" for frame in range(len(clip))]
        names = [FORMS[clip.index].format(clip.name, file) for file in files]
        for frame, file in enumerate(files):
            mini.picture(f"images/train/{clip.name}/{file}", clip, frame)
        for actor in range(clip.actors):
            track = f"{3 - actor:03d}"
            points = clip.keypoints(EFT_49, actor)
            for frame, item in enumerate(eft_items(clip, names, actor)):
                items.append(item | {"subjectId": f"images/train/{clip.name}-id{track}"})
                key = f"train/{clip.name}/0/{base + frame}/{track}"
                mini.note(key, clip, frame, actor, keypoints=(points[frame], EFT_49))
    save_json(order.root / "eft_fit/PoseTrack_ver01.json", {"ver": "1.0", "data": items})
    return mini.save()
