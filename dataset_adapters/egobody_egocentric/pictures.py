"""EgoBody's images and what is known of each by its name: shown or not, and 2D detections."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.readers.egobody import frame_number
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.schema import nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import OPENPOSE_BODY_25

__all__ = ["by_picture", "picture_names", "seen"]

PICTURE = re.compile(r"(\d+)_frame_(\d+)\.jpg")


def by_picture(path: Path, key: str) -> dict[str, Any]:
    """File name of a picture → its row of an array in an .npz; the folders before it vary."""
    table = load_npz(path)
    names = [str(name).replace("\\", "/").rsplit("/", 1)[-1] for name in table["imgname"]]
    return dict(zip(names, table[key], strict=True))


def picture_names(folder: Path, listed: Iterable[str]) -> list[str]:
    """Names of the images on disk, else of those that the owners list; sorted by frame."""
    names = [p.name for p in folder.glob("*_frame_*.jpg")] if folder.is_dir() else []
    return sorted(filter(PICTURE.fullmatch, names or listed), key=frame_number)


def seen(keypoints: Path, pictures: list[str], valid: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """2D detections where there are some, and whether the owners saw the interactee.

    Args:
        keypoints: keypoints.npz, which lists only valid frames.
        pictures: (N,) the image of each person.
        valid: the owners' flag by picture; who is not in it is not valid.
    """
    found = by_picture(keypoints, "keypoints")
    nothing = np.zeros((len(OPENPOSE_BODY_25), 3))
    points = np.stack([found.get(name, nothing) for name in pictures])
    columns = keypoint_columns(2, (points, OPENPOSE_BODY_25))
    extra = columns["keypoints2d_extra"]  # all of OpenPose's names are beyond SMPL-X's
    return {
        "keypoints2d_extra": nullable(extra, points.any((1, 2))),
        "owner_valid": np.array([bool(valid.get(name, False)) for name in pictures]),
    }
