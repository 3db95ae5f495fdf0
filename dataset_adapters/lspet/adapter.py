"""LSPET: EFT's fits, one person a still; the owners' keypoints of those whom EFT left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from ehpsbench.dataset_adapters.lspet.joints import labelled_people
from ehpsbench.dataset_adapters.readers.fit_lists import (
    Place,
    eft_list,
    last_number,
    listed_people,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

IMAGES = "hr-lspet"
JOINTS = f"{IMAGES}/joints.mat"
FITS = ("eft_fit/LSPet*.json", "LSPet_fit/LSPet*.json")
OUTSIDE = 0.5  # of the keypoints of most people: they are of images of another size


def units(release: Release) -> Iterator[Unit]:
    """The last version of EFT's file of each split; the owners' keypoints, if they are there."""
    fits = {split: path for path in _lists(release) for split in [_split(path)]}
    for split, path in sorted(fits.items(), reverse=True):
        yield Unit(path.stem, release, (path,), {"split": split})
    joints = release.root / JOINTS
    if joints.is_file():
        yield Unit("joints", release, (joints, *fits.values()), {"split": "train"}, ())


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The fitted people of one file, or those who have keypoints alone, and their images.

    Raises:
        InputError: a file is broken, or fits are of images of another size.
    """
    stored = {path.name for path in unit.release.root.glob(f"{IMAGES}/*")}

    def place(name: str) -> Place:
        return Place(_path(stored, name), unit.key["split"], last_number(name))

    if unit.name == "joints":
        return labelled_people(unit, place)
    instances = listed_people(unit, eft_list(unit.files[0], bodies), place, bodies)
    _demand_resolution(unit, instances)
    return instances


def _lists(release: Release) -> list[Path]:
    """EFT's files, the later versions last."""
    paths = [path for pattern in FITS for path in release.find(pattern)]
    return sorted(paths, key=lambda path: last_number(path.name))


def _split(path: Path) -> str:
    """What is not called test is train, as the first file was."""
    return "test" if "test" in path.stem else "train"


def _path(stored: set[str], name: str) -> str:
    """The image as it is stored, .png or .jpg."""
    stem = PurePosixPath(name).stem
    jpg = f"{stem}.jpg" in stored and f"{stem}.png" not in stored
    return f"{IMAGES}/{stem}.{'jpg' if jpg else 'png'}"


def _demand_resolution(unit: Unit, instances: Instances) -> None:
    """EFT's pixels are those of the high-resolution edition; the first has smaller pictures."""
    columns = instances.columns
    points = np.ma.getdata(columns["keypoints2d"]).reshape(len(columns["width"]), -1, 3)
    size = np.stack([columns["width"], columns["height"]], -1)
    known = np.asarray((size > 0).all(1), bool)
    seen = (points[..., 2] > 0) & known[:, None]
    past = seen & (points[..., :2] > size[:, None]).any(-1)
    with np.errstate(invalid="ignore"):
        most = np.nanmedian(past.sum(1) / seen.sum(1)) if seen.any() else 0.0
    if most > OUTSIDE:
        raise InputError(
            f"{unit.files[0]}: most keypoints lie outside the images of {IMAGES}/, which are of "
            "the first edition then. EFT's fits belong to the high-resolution one (hr-lspet.zip)."
        )
