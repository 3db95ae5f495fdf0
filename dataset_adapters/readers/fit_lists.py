"""People from a list of fits that name their image: EFT's JSON and CLIFF's npz.

The lists say nothing of an image but its name: sizes come from the images' headers, and an image
without a fit is not there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.identity import person_identity, person_keys
from ehpsbench.dataset_adapters.images import header_sizes, image_columns
from ehpsbench.dataset_adapters.readers.cliff import cliff_columns, read_cliff
from ehpsbench.dataset_adapters.readers.eft import eft_columns, read_eft
from ehpsbench.dataset_adapters.release import Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Columns, Instances, nullable, present
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import Map

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = [
    "FitList",
    "Place",
    "cliff_list",
    "eft_list",
    "last_number",
    "listed_people",
    "with_owners_joints",
]

Floats = NDArray[np.float64]
Sizes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class FitList:
    """N fits.

    Attributes:
        image: (N,) name of the image, as the list has it.
        key: (N,) the owners' keys of the people; None: there are none.
        columns: width and height (N, 2) of the images → body, camera, keypoints, validity.
    """

    image: NDArray[Any]
    key: NDArray[Any] | None
    columns: Callable[[Sizes], dict[str, NDArray[Any]]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image is: path below the release root, sequence, frame number."""

    path: str
    sequence: str
    frame: int


def eft_list(path: Path, bodies: BodySet) -> FitList:
    """A file of EFT; `annotId` is a key where it is one (the exporter writes 0 for none)."""
    fits = read_eft(path)
    key = fits.annotation if (fits.annotation > 0).any() else None
    return FitList(fits.image, key, lambda size: eft_columns(fits, size, bodies))


def cliff_list(path: Path, bodies: BodySet) -> FitList:
    """A file of CLIFF."""
    fits = read_cliff(path)
    key = fits.annotation if (fits.annotation > 0).any() else None
    return FitList(fits.image, key, lambda size: cliff_columns(fits, size, bodies))


def last_number(name: str) -> int:
    """The last run of digits in a file's name: COCO_train2014_000000000036.jpg → 36.

    Raises:
        InputError: it has none.
    """
    stem = PurePosixPath(name).stem
    digits = stem[len(stem.rstrip("0123456789")) :]
    if not digits:
        raise InputError(f"Expected an image name that ends in a number, found {name!r}.")
    return int(digits)


def listed_people(
    unit: Unit,
    fits: FitList,
    place: Callable[[str], Place],
    bodies: BodySet,
    *,
    size: Callable[[list[str]], Sizes] | None = None,
    video: bool = False,
) -> Instances:
    """The people of a list, and the images that it names.

    Args:
        unit: with its split under `split`.
        fits: the list.
        place: name of an image in the list → where it is.
        bodies: the body set of the labels.
        size: paths of M images → (M, 2) width and height [px]; None: from their headers.
        video: a cluster is a sequence, not an image.
    """
    root = unit.release.root
    name, first, image = np.unique(fits.image, return_index=True, return_inverse=True)
    places = [place(str(n)) for n in name]
    paths = [p.path for p in places]
    sequence = [p.sequence for p in places]
    images = image_columns(
        unit,
        paths,
        size(paths) if size else header_sizes(root, paths),
        split=unit.key["split"],
        sequence=sequence,
        frame=[p.frame for p in places],
        cluster=sequence if video else None,
        source_row=first,
    )
    columns = person_identity(images, image, person_keys(image, fits.key))
    columns |= fits.columns(np.stack([columns["width"], columns["height"]], -1))
    columns["source_row"] = np.arange(len(image))
    if "global_orient" in columns:
        columns["bbox"] = joint_boxes(columns, bodies, root)
    return Instances(columns, images)


def with_owners_joints(columns: Columns, points: Floats, joints: Map) -> dict[str, NDArray[Any]]:
    """The 2D keypoints of N people, with the owners' over those of the list.

    Args:
        columns: with `keypoints2d` and `keypoints2d_extra`, or without them.
        points: (N, K, 3) x, y, visibility [px]; any visibility above 0 scores 1.
        joints: their map.
    """
    scored = np.concatenate([points[..., :2], points[..., 2:] > 0], -1)
    return {
        name: _over(columns.get(name), values)
        for name, values in keypoint_columns(2, (scored, joints)).items()
    }


def _over(column: NDArray[Any] | None, values: Floats) -> NDArray[Any]:
    new = values.reshape(len(values), -1, 3)
    has = new[..., 2:] > 0
    if column is None:
        return nullable(values, has.any((1, 2)))
    old = np.ma.filled(column, 0.0).reshape(new.shape)
    mixed = np.where(has, new, old).reshape(values.shape)
    return nullable(mixed, present(column) | has.any((1, 2)))
