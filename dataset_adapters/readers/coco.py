"""COCO's container: images and annotations in one JSON, keypoints as x, y, visibility."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.nested import array_of
from ehpsbench.errors import InputError
from ehpsbench.schema import nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import (
    COCO_17,
    COCO_FEET_6,
    FACE_68,
    LEFT_HAND_21,
    RIGHT_HAND_21,
    Map,
)

__all__ = [
    "PART_BOXES",
    "WHOLE_BODY",
    "Coco",
    "box_column",
    "image_sizes",
    "keypoints_of",
    "labelled",
    "part_labels",
    "read_coco",
]

Floats = NDArray[np.float64]
Records = Sequence[Mapping[str, Any]]
# COCO-WholeBody; the wrists of the hands come after those of the body and win where they were seen
WHOLE_BODY: tuple[tuple[str, Map], ...] = (
    ("keypoints", COCO_17),
    ("foot_kpts", COCO_FEET_6),
    ("face_kpts", FACE_68),
    ("lefthand_kpts", LEFT_HAND_21),
    ("righthand_kpts", RIGHT_HAND_21),
)
PART_BOXES = {
    "face_bbox": "face_box",
    "left_hand_bbox": "lefthand_box",
    "right_hand_bbox": "righthand_box",
}
PART_FLAGS = {"left_hand": "lefthand_valid", "right_hand": "righthand_valid", "face": "face_valid"}


@dataclass(frozen=True, slots=True)
class Coco:
    """Images and annotations of one file, in its order.

    Attributes:
        images: records with `id`, `file_name`, mostly `width` and `height`.
        annotations: records with `id`, `image_id`, …
        image: (A,) row in `images` of each annotation.
    """

    images: Records
    annotations: Records
    image: NDArray[np.int64]

    def of_images(self, key: str) -> list[Any]:
        """One value of every image."""
        return [record[key] for record in self.images]

    def of_people(self, key: str, rows: Sequence[int] | NDArray[np.int64]) -> list[Any]:
        """One value of some annotations."""
        return [self.annotations[row][key] for row in rows]


def read_coco(path: Path) -> Coco:
    """The file in `path`.

    Raises:
        InputError: it is no such file, two images have one id, or an annotation's image is not
            in it.
    """
    content = read_json(path)
    try:
        images, annotations = content["images"], content["annotations"]
        place = {image["id"]: row for row, image in enumerate(images)}
        image = np.asarray([place[a["image_id"]] for a in annotations], np.int64)
        people = {a["id"] for a in annotations}
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not in COCO's format ({type(error).__name__}: {error}). Expected `images` "
            "with an id each and `annotations` with id and image_id of one of them."
        ) from error
    if len(place) < len(images) or len(people) < len(annotations):
        raise InputError(f"{path}: an id of an image or an annotation comes twice.")
    return Coco(images, annotations, image)


def labelled(annotations: Records) -> NDArray[np.bool_]:
    """(N,) False for crowds and for people without a keypoint, whom COCO's users skip."""
    crowd = np.asarray([bool(a.get("iscrowd", 0)) for a in annotations], bool)
    count = np.asarray([a.get("num_keypoints", 1) for a in annotations], np.int64)
    return ~crowd & (count > 0)


def part_labels(annotations: Records) -> dict[str, NDArray[np.bool_]]:
    """(N,) whether left hand, right hand and face were labelled; True where a record is silent."""
    return {
        part: np.asarray([bool(a.get(key, True)) for a in annotations], bool)
        for part, key in PART_FLAGS.items()
    }


def image_sizes(coco: Coco) -> NDArray[np.int64]:
    """(M, 2) width and height [px] as the file has them."""
    sizes = [(image["width"], image["height"]) for image in coco.images]
    return np.asarray(sizes, np.int64).reshape(-1, 2)


def keypoints_of(annotations: Records, *sources: tuple[str, Map]) -> dict[str, NDArray[Any]]:
    """Columns of 2D keypoints; null where somebody has none.

    Args:
        annotations: (N,) records.
        sources: key of a record (K·3 numbers, null or absent: none) and the map of its joints.
    """
    parts = []
    for key, joints in sources:
        empty = [0.0] * (3 * len(joints))
        rows = [a.get(key) or empty for a in annotations]
        parts.append((array_of(rows).reshape(-1, len(joints), 3), joints))
    seen = np.zeros(len(annotations), bool)
    for values, _ in parts:
        seen |= (values[..., 2] > 0).any(1)
    return {name: nullable(v, seen) for name, v in keypoint_columns(2, *parts).items()}


def box_column(annotations: Records, key: str = "bbox") -> NDArray[Any]:
    """(N, 4) x, y, w, h [px]; null where it is absent, null or empty."""
    rows = [a.get(key) or [0.0] * 4 for a in annotations]
    boxes = array_of(rows).reshape(-1, 4)
    with np.errstate(invalid="ignore"):
        empty = (boxes[:, 2:] <= 0).any(1)
    return nullable(boxes, ~empty)
