"""LSPET: EFT's fits, one person a still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ehpsbench.dataset_adapters.readers.fit_lists import (
    Place,
    eft_list,
    last_number,
    listed_people,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

IMAGES = "hr-lspet"


def units(release: Release) -> Iterator[Unit]:
    """One unit per EFT file; what is not called test is train, as the first file was."""
    for path in release.find("eft_fit/LSPet*.json"):
        split = "test" if "test" in path.stem else "train"
        yield Unit(path.stem, release, (path,), {"split": split})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The fitted people of one file, and their images."""
    root = unit.release.root

    def place(name: str) -> Place:
        return Place(_path(root, name), unit.key["split"], last_number(name))

    return listed_people(unit, eft_list(unit.files[0], bodies), place, bodies)


def _path(root: Path, name: str) -> str:
    """The image as it is stored: .png, or .jpg in the first edition."""
    stem = Path(name).stem
    png, jpg = ((root / IMAGES / f"{stem}.{end}").is_file() for end in ("png", "jpg"))
    return f"{IMAGES}/{stem}.{'jpg' if jpg and not png else 'png'}"
