"""Whose annotation an EFT fit of OCHuman is, and who beside the fitted people is labelled.

EFT says the image of a fit, but not whose annotation it is. A fit and an annotation of one image
belong together where their common joints lie at the same pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.identity import person_keys, text
from ehpsbench.dataset_adapters.readers.eft import Eft
from ehpsbench.errors import InputError
from ehpsbench.schema import nullable
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import EFT_49, OCHUMAN_19

__all__ = ["NEAR", "People", "joined", "read_images"]

Floats = NDArray[np.float64]
Record = Mapping[str, Any]
LIMBS = tuple(
    INDEX[f"{side}_{joint}"]
    for side in ("left", "right")
    for joint in ("shoulder", "elbow", "wrist", "knee", "ankle")
)
FEWEST, NEAR = 4, 3.0  # joints in common, and how near they are [px]: EFT's are those of OCHuman


class People(NamedTuple):
    """The N fitted people of a file, then M others of the same images.

    `image` (N + M,) names, `key` (N + M,); of each the owners' joints (N + M, 19, 3), zeros where
    they are not known, and the owners' boxes (N + M, 4), x, y, w, h [px], null likewise.
    """

    image: NDArray[Any]
    key: NDArray[Any]
    joints: Floats
    boxes: NDArray[Any]


def read_images(path: Path) -> dict[str, Record]:
    """Images of the owners' file by name.

    Raises:
        InputError: it is no such file.
    """
    try:
        return {str(r["file_name"]): r for r in read_json(path)["images"] if r["width"]}
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not ochuman.json ({type(error).__name__}: {error}). Expected `images` with "
            "file_name, width, height and annotations."
        ) from error


def joined(fits: Eft, images: Mapping[str, Record], path: Path) -> People:
    """Fits with their annotations, and who else has joints in images whose fits are all known.

    Args:
        fits: of one file.
        images: from `read_images`.
        path: of the owners' file, for the message.

    Raises:
        InputError: an annotation is broken.
    """
    names = [PurePosixPath(str(name)).name for name in fits.image]
    listed = [images.get(name, {}).get("annotations", []) for name in names]
    try:
        limbs = _limbs(keypoint_columns(2, (fits.keypoints, EFT_49))["keypoints2d"])
        which = [_same(row, people) for row, people in zip(limbs, listed, strict=True)]
        fitted = [p[w] if w >= 0 else {} for p, w in zip(listed, which, strict=True)]
        others = _others(names, listed, which)
        records = [*fitted, *(record for _, _, record in others)]
        joints = np.stack([_keypoints(r) for r in records] or [np.zeros((19, 3))])[: len(records)]
        corners = [record.get("bbox") or [0.0] * 4 for record in records]
        boxes = np.asarray(corners, np.float64).reshape(-1, 4)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} has a broken annotation ({type(error).__name__}: {error}). Expected "
            "bbox (x1, y1, x2, y2) and 57 keypoints, or null."
        ) from error
    known = np.asarray((boxes[:, 2:] > boxes[:, :2]).all(1), bool)
    return People(
        image=text([*names, *(name for name, _, _ in others)]),
        key=text([*_keys(fits, names), *(f"owners{index}" for _, index, _ in others)]),
        joints=joints,
        boxes=nullable(np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]), known),
    )


def _keys(fits: Eft, names: Sequence[str]) -> list[str]:
    """EFT's annotation ids where it has some, else running numbers in each image."""
    _, image = np.unique(np.asarray(names, str), return_inverse=True)
    own = fits.annotation if (fits.annotation > 0).any() else None
    return [str(key) for key in person_keys(image.reshape(-1), own)]


def _others(
    names: Sequence[str], listed: Sequence[Sequence[Record]], which: Sequence[int]
) -> list[tuple[str, int, Record]]:
    """Image, number in it and annotation of who has joints and no fit.

    Where a fit of an image is nobody's, anybody there may be the fitted person: none is added.
    """
    fitted: dict[str, list[int]] = {}
    people: dict[str, Sequence[Record]] = {}
    for name, records, index in zip(names, listed, which, strict=True):
        fitted.setdefault(name, []).append(index)
        people[name] = records
    return [
        (name, index, record)
        for name, taken in fitted.items()
        for index, record in enumerate(people[name])
        if -1 not in taken and index not in taken and _keypoints(record)[:, 2].any()
    ]


def _limbs(keypoints: Floats) -> Floats:
    """(N, 10, 3) limbs of EFT's keypoints; zeros where there are none."""
    return keypoints.reshape(-1, 144, 3)[:, LIMBS]


def _keypoints(record: Record) -> Floats:
    """(19, 3) x, y, score: 1 seen, 2 hidden by the person, 3 by another; zeros where null."""
    values = record.get("keypoints") or [0.0] * 57
    return np.asarray(values, np.float64).reshape(19, 3)


def _same(limbs: Floats, people: Sequence[Record]) -> int:
    """Which annotation's limbs lie nearest to those of a fit, if they are the same; or −1."""
    best, nearest = -1, NEAR
    for index, record in enumerate(people):
        placed = np.zeros((len(INDEX), 3))
        placed[list(OCHUMAN_19)] = _keypoints(record)
        other = placed[list(LIMBS)]
        both = (other[:, 2] > 0) & (limbs[:, 2] > 0)
        if both.sum() < FEWEST:
            continue
        distance = float(np.linalg.norm(other[both, :2] - limbs[both, :2], axis=1).mean())
        if distance < nearest:
            best, nearest = index, distance
    return best
