"""A miniature SSP-3D: people at sports, a crop each, all labels in one npz."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.parameters import joined_pose
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.silhouettes import save_silhouette
from ehpsbench.dataset_adapters.ssp3d.adapter import FOCAL, SIZE
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.skeleton.sources import COCO_17

FILMING = Filming(size=(SIZE, SIZE), focal=FOCAL, aligned=True)
# a video has two people, who are both in its frame 40: a crop each
CLIPS = (
    ("test", "fastball_clip_1_person_0"),
    ("test", "fastball_clip_1_person_1"),
    ("test", "long_jump_2_clip_3_person_0"),
)
FIRST, STEP = 40, 6
PADDING = 1.2


def write(order: Order) -> Truth:
    """Write a miniature release; the crops have the owners' size."""
    mini = Miniature(replace(order, scale=1.0), catalogue.card("ssp3d"), FILMING)
    parts = [_labels(mini, clip) for clip in mini.clips(CLIPS)]
    arrays = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    save_npz(order.root / "labels.npz", **arrays)
    return mini.save()


def _labels(mini: Miniature, clip: Clip) -> dict[str, NDArray[Any]]:
    """The rows of one clip."""
    frames = range(len(clip))
    names = [f"{clip.name}_frame_{FIRST + STEP * frame}.png" for frame in frames]
    fit, points, box = clip.fits(0, 0), clip.keypoints(COCO_17), clip.box()
    person = clip.name.rpartition("_")[2]
    for frame, name in enumerate(names):
        mini.picture(f"images/{name}", clip, frame)
        save_silhouette(mini.order, f"silhouettes/{name}", clip.scenes[frame], clip.camera(frame))
        key = f"test/{clip.name}/0/{FIRST + STEP * frame}/{person}"
        mini.note(key, clip, frame, keypoints=(points[frame], COCO_17))
    middle = box[:, :2] + box[:, 2:] / 2
    return {
        "fnames": np.asarray(names),
        "shapes": fit["betas"],
        "poses": joined_pose(fit, "smpl"),
        "cam_trans": fit["transl"],
        "joints2D": points,
        "bbox_centres": middle[:, ::-1],  # row, column
        "bbox_whs": box[:, 2:].max(1) * PADDING,
        "genders": np.asarray([clip.person(0, frame).gender[0] for frame in frames]),
    }
