"""OCHuman: EFT's fits; the owners' own box and 19 joints of whom the keypoints tell to be the same.

EFT says the image of a fit, but not whose annotation it is. A fit and an annotation of one image
belong together where their common joints lie at the same pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.images import header_sizes
from ehpsbench.dataset_adapters.readers.fit_lists import (
    Place,
    eft_list,
    last_number,
    listed_people,
    with_owners_joints,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Columns, Instances, nullable, present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.skeleton.sources import OCHUMAN_19

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]
Records = Sequence[Mapping[str, Any]]
LIMBS = tuple(
    INDEX[f"{side}_{joint}"]
    for side in ("left", "right")
    for joint in ("shoulder", "elbow", "wrist", "knee", "ankle")
)
FEWEST, NEAR = 4, 3.0  # joints in common, and how near they are [px]: EFT's are those of OCHuman


def units(release: Release) -> Iterator[Unit]:
    """One unit per file of EFT, with the split that EFT calls it."""
    labels = release.root / "ochuman.json"
    for path in release.find("*/OCHuman_*.json"):
        split = "test" if "test" in path.stem else "train"
        yield Unit(path.stem, release, (path, labels), {"split": split})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The fitted people of one file."""
    records = _records(unit.files[1])
    root = unit.release.root

    def place(name: str) -> Place:
        bare = PurePosixPath(name).name
        return Place(f"images/{bare}", unit.key["split"], last_number(bare))

    def sizes(paths: list[str]) -> NDArray[np.int64]:
        known = [records.get(PurePosixPath(path).name) for path in paths]
        if all(known):
            return np.asarray([(r["width"], r["height"]) for r in known if r], np.int64)
        return header_sizes(root, paths)

    found = listed_people(unit, eft_list(unit.files[0], bodies), place, bodies, size=sizes)
    people = [records.get(PurePosixPath(p).name, {}) for p in found.columns["image_path"]]
    own = _own(found.columns, [r.get("annotations", []) for r in people], unit)
    return Instances({**found.columns, **own}, found.images)


def _records(path: Path) -> dict[str, Mapping[str, Any]]:
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


def _own(columns: Columns, candidates: list[Records], unit: Unit) -> dict[str, NDArray[Any]]:
    """Box and 19 joints of the owners where a fit's annotation is found; else what there was."""
    try:
        joints = _joints(columns)
        whose = [_same(row, people) for row, people in zip(joints, candidates, strict=True)]
        points = np.stack([_keypoints(record) for record in whose] or [np.zeros((0, 19, 3))])
        boxes = np.asarray([(r or {}).get("bbox") or [0.0] * 4 for r in whose], np.float64)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{unit.files[-1]} has a broken annotation ({type(error).__name__}: {error}). Expected "
            "bbox (x1, y1, x2, y2) and 57 keypoints, or null."
        ) from error
    boxes = boxes.reshape(-1, 4)
    native = np.asarray((boxes[:, 2:] > boxes[:, :2]).all(1), bool)
    corners = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)
    tight, known = np.ma.getdata(columns["bbox"]), present(columns["bbox"])
    return {
        "bbox": nullable(np.where(native[:, None], corners, tight), native | known),
        **with_owners_joints(columns, points, OCHUMAN_19),
    }


def _joints(columns: Columns) -> Floats:
    """(N, 10, 3) limbs of EFT's keypoints; zeros where there are none."""
    values = np.ma.filled(columns["keypoints2d"], 0.0).reshape(-1, 144, 3)
    return np.asarray(values[:, LIMBS], np.float64)


def _keypoints(record: Mapping[str, Any] | None) -> Floats:
    """(19, 3) x, y, score: 1 seen, 2 hidden by the person, 3 by another; zeros where null."""
    values = (record or {}).get("keypoints") or [0.0] * 57
    return np.asarray(values, np.float64).reshape(19, 3)


def _same(limbs: Floats, people: Records) -> Mapping[str, Any] | None:
    """The annotation whose limbs lie nearest to those of a fit, if they are the same."""
    best, nearest = None, NEAR
    for record in people:
        placed = np.zeros((len(INDEX), 3))
        placed[list(OCHUMAN_19)] = _keypoints(record)
        other = placed[list(LIMBS)]
        both = (other[:, 2] > 0) & (limbs[:, 2] > 0)
        if both.sum() < FEWEST:
            continue
        distance = float(np.linalg.norm(other[both, :2] - limbs[both, :2], axis=1).mean())
        if distance < nearest:
            best, nearest = record, distance
    return best
