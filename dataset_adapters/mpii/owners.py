"""MPII's own labels: one MATLAB file with everybody's 16 joints, and no bodies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import keypoint_boxes
from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.images import header_sizes, image_columns
from ehpsbench.dataset_adapters.parameters import validity
from ehpsbench.dataset_adapters.readers.fit_lists import last_number
from ehpsbench.dataset_adapters.readers.matlab import load_mat
from ehpsbench.dataset_adapters.release import Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import MPII_16

__all__ = ["FIRST_PIXEL", "IMAGES", "read_owners"]

Floats = NDArray[np.float64]
JOINTS = len(MPII_16)
FIRST_PIXEL = 1.0  # MATLAB counts pixels from 1
IMAGES = ("images", "mpii_human_pose_v1/images")  # as one sorts them, as the archive unpacks
BROKEN = (KeyError, IndexError, TypeError, ValueError, AttributeError)


def read_owners(unit: Unit) -> Instances:
    """Everybody with joints in the training images; nobody in those of the test.

    Raises:
        InputError: the file is broken; names it.
    """
    path = unit.files[0]
    try:
        release = load_mat(path, "RELEASE")["RELEASE"]
        stills = release["annolist"][0]
        names = [str(image["name"][0]) for image in stills["image"]]
        split = np.where(np.ravel(release["img_train"][0]) > 0, "train", "test").tolist()
        image, key, points = _people(stills["annorect"])
        numbers = [last_number(name) for name in names]
        if len(split) != len(names):
            raise ValueError(f"img_train of {len(split)} images, annolist of {len(names)}")
    except BROKEN as error:
        raise InputError(
            f"{path} is not MPII's file of labels ({type(error).__name__}: {error}). Expected "
            "RELEASE with img_train and annolist of image.name and annorect.annopoints.point."
        ) from error
    folder = _folder(unit.release.root)
    paths = [f"{folder}/{name}" for name in names]
    images = image_columns(
        unit,
        paths,
        header_sizes(unit.release.root, paths),
        split=split,
        sequence=split,
        frame=numbers,
        source_row=np.arange(len(names)),
    )
    columns = person_identity(images, image, key)
    columns |= keypoint_columns(2, (points, MPII_16)) | validity(len(image), (), owner=True)
    columns["bbox"] = keypoint_boxes(columns)
    columns["source_row"] = image
    return Instances(columns, images)


def _folder(root: Path) -> str:
    return next((folder for folder in IMAGES if (root / folder).is_dir()), IMAGES[0])


def _people(rects: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Image (N,), number in it from 1 (N,) and joints (N, 16, 3) of those who have joints."""
    found = [
        (still, number, points)
        for still, people in enumerate(rects)
        for number, points in _labelled(people)
        if len(points)
    ]
    row = np.repeat(np.arange(len(found)), [len(points) for _, _, points in found])
    points = np.concatenate([np.zeros((0, 3)), *(points for _, _, points in found)])
    joint = points[:, 0]
    if not ((joint >= 0) & (joint < JOINTS)).all():
        raise ValueError(f"joints {joint.min():g} to {joint.max():g} of {JOINTS}")
    table = np.zeros((len(found), JOINTS, 3))
    table[row, joint.astype(np.int64), :2] = points[:, 1:] - FIRST_PIXEL
    table[row, joint.astype(np.int64), 2] = 1.0
    where = np.asarray([(still, number) for still, number, _ in found], np.int64).reshape(-1, 2)
    return where[:, 0], where[:, 1], table


def _labelled(people: Any) -> Iterator[tuple[int, Floats]]:
    """Number, from 1 as the owners count (ridx), and joint, x, y (P, 3) of people of an image.

    A point that lacks one of its numbers is no point.
    """
    if not isinstance(people, Mapping):  # nobody
        return
    for number, annotated in enumerate(people.get("annopoints", ()), start=1):
        if isinstance(annotated, Mapping) and isinstance(annotated["point"][0], Mapping):
            values = [annotated["point"][0][name] for name in ("id", "x", "y")]
            if all(column.dtype != object for column in values):
                yield number, np.stack(values, 1).astype(np.float64)
                continue
            rows = [row for row in zip(*values, strict=True) if all(np.size(v) == 1 for v in row)]
            yield number, np.asarray(rows, np.float64).reshape(-1, 3)
