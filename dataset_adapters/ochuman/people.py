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
from ehpsbench.dataset_adapters.nested import array_of
from ehpsbench.dataset_adapters.read_once import read_once
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
LIMB_ROWS = [OCHUMAN_19.index(joint) for joint in LIMBS]
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


class _Annotated(NamedTuple):
    """Every fit with every annotation of its image: P pairs, fit by fit.

    `records` (P,), `joints` (P, 19, 3) x, y, score: 1 seen, 2 hidden by the person, 3 by another,
    zeros where null; `fit` (P,) of N, and the `first` (N + 1,) pair of each fit.
    """

    records: Sequence[Record]
    joints: Floats
    fit: NDArray[np.int64]
    first: NDArray[np.int64]

    @classmethod
    def of(cls, listed: Sequence[Sequence[Record]]) -> _Annotated:
        """The annotations of each fit's image."""
        records = [record for people in listed for record in people]
        joints = array_of([record.get("keypoints") or [0.0] * 57 for record in records])
        count = np.asarray([len(people) for people in listed], np.int64)
        first = np.concatenate([[0], np.cumsum(count)])
        fit = np.repeat(np.arange(len(count)), count)
        return cls(records, joints.reshape(len(records), 19, 3), fit, first)


@read_once(1)  # both of EFT's files are of it
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
        people = _Annotated.of(listed)
        limbs = _limbs(keypoint_columns(2, (fits.keypoints, EFT_49))["keypoints2d"])
        which = _same(limbs, people)
        others = _others(names, which, people)
        pair = np.asarray([*which, *(pair for _, pair in others)], np.int64)
        records = [people.records[row] if row >= 0 else {} for row in pair]
        boxes = array_of([record.get("bbox") or [0.0] * 4 for record in records]).reshape(-1, 4)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} has a broken annotation ({type(error).__name__}: {error}). Expected "
            "bbox (x1, y1, x2, y2) and 57 keypoints, or null."
        ) from error
    known = np.asarray((boxes[:, 2:] > boxes[:, :2]).all(1), bool)
    numbers = [pair - people.first[people.fit[pair]] for _, pair in others]
    return People(
        image=text([*names, *(name for name, _ in others)]),
        key=text([*_keys(fits, names), *(f"owners{number}" for number in numbers)]),
        joints=np.concatenate([people.joints, np.zeros((1, 19, 3))])[pair],
        boxes=nullable(np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]), known),
    )


def _keys(fits: Eft, names: Sequence[str]) -> list[str]:
    """EFT's annotation ids where it has some, else running numbers in each image."""
    _, image = np.unique(np.asarray(names, str), return_inverse=True)
    own = fits.annotation if (fits.annotation > 0).any() else None
    return [str(key) for key in person_keys(image.reshape(-1), own)]


def _others(
    names: Sequence[str], which: NDArray[np.int64], people: _Annotated
) -> list[tuple[str, int]]:
    """Image and pair of who has joints and no fit.

    Where a fit of an image is nobody's, anybody there may be the fitted person: none is added.
    """
    fits: dict[str, list[int]] = {}
    for fit, name in enumerate(names):
        fits.setdefault(name, []).append(fit)
    labelled: list[bool] = np.any(people.joints[..., 2], 1).tolist()
    found: list[tuple[str, int]] = []
    for name, mine in fits.items():
        first, last = people.first[mine[-1]], people.first[mine[-1] + 1]
        taken = {int(which[fit] - people.first[fit]) for fit in mine if which[fit] >= 0}
        if (which[mine] >= 0).all():
            rows = (row for row in range(first, last) if labelled[row])
            found += [(name, row) for row in rows if row - first not in taken]
    return found


def _limbs(keypoints: Floats) -> Floats:
    """(N, 10, 3) limbs of EFT's keypoints; zeros where there are none."""
    return keypoints.reshape(-1, 144, 3)[:, LIMBS]


def _same(limbs: Floats, people: _Annotated) -> NDArray[np.int64]:
    """(N,) the pair of each fit whose limbs lie nearest to its own, if they are the same; or −1."""
    mine, theirs = limbs[people.fit], people.joints[:, LIMB_ROWS]
    both = (mine[..., 2] > 0) & (theirs[..., 2] > 0)
    count = both.sum(1)
    apart = np.hypot(*np.moveaxis(theirs[..., :2] - mine[..., :2], -1, 0))
    distance = np.where(both, apart, 0.0).sum(1) / np.maximum(count, 1)
    near = np.flatnonzero((count >= FEWEST) & (distance < NEAR))
    near = near[np.lexsort((distance[near], people.fit[near]))]  # stable: the first of equals
    found, first = np.unique(people.fit[near], return_index=True)
    which = np.full(len(limbs), -1)
    which[found] = near[first]
    return which
