"""Writes MPII's own labels: one MATLAB file of both splits, with joints and without bodies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.miniature import Miniature
from ehpsbench.dataset_adapters.mpii.owners import FIRST_PIXEL
from ehpsbench.dataset_adapters.readers.matlab_sample import save_mat
from ehpsbench.skeleton.sources import MPII_16

__all__ = ["write_owners"]

LABELS = "mpii_human_pose_v1_u12_2/mpii_human_pose_v1_u12_1.mat"
FIRST = 1000  # number of the first image
EMPTY: NDArray[np.float64] = np.zeros((0, 0))


def write_owners(mini: Miniature) -> None:
    """Stills of both splits; before the two labelled people comes one of whom only the head is."""
    stills: list[dict[str, Any]] = []
    train: list[int] = []
    for clip in mini.clips([("train", "train"), ("test", "test")]):
        for frame in range(len(clip)):
            number = FIRST * (clip.index + 1) + frame
            mini.picture(f"mpii_human_pose_v1/images/{number:09d}.jpg", clip, frame)
            test = clip.split == "test"
            people = EMPTY if test else _people(mini, clip, frame, number)
            stills.append({"image": {"name": f"{number:09d}.jpg"}, "annorect": people})
            train.append(int(not test))
    release = {"annolist": stills, "img_train": np.array([train]), "version": "12"}
    save_mat(mini.order.root / LABELS, {"RELEASE": release})


def _people(mini: Miniature, clip: Clip, frame: int, number: int) -> list[dict[str, Any]]:
    rects: list[dict[str, Any]] = [{"x1": 1.0, "scale": 2.0, "annopoints": EMPTY}]
    for actor in range(clip.actors):
        joints = clip.keypoints(MPII_16, actor)[frame]
        points = [
            {"x": x + FIRST_PIXEL, "y": y + FIRST_PIXEL, "id": float(i), "is_visible": EMPTY}
            for i, (x, y, seen) in enumerate(joints.tolist())
            if seen
        ]
        rects.append({"x1": 1.0, "scale": 2.0, "annopoints": {"point": points}})
        key = f"train/train/0/{number}/{actor + 2}"
        mini.note(key, clip, frame, actor, keypoints=(joints, MPII_16), body=False)
    return rects
