"""OCHuman: EFT's fits, and the owners' box and 19 joints of everybody in the fitted images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.images import header_sizes
from ehpsbench.dataset_adapters.ochuman.people import People, joined, read_images
from ehpsbench.dataset_adapters.parameters import spread
from ehpsbench.dataset_adapters.readers.eft import Eft, eft_columns, read_eft
from ehpsbench.dataset_adapters.readers.fit_lists import (
    FitList,
    Place,
    last_number,
    listed_people,
    with_owners_joints,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.schema import Columns, Instances, nullable, present
from ehpsbench.skeleton.sources import OCHUMAN_19

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet


def units(release: Release) -> Iterator[Unit]:
    """One unit per file of EFT, with the split that EFT calls it."""
    labels = release.root / "ochuman.json"
    for path in release.find("*/OCHuman_*.json"):
        split = "test" if "test" in path.stem else "train"
        yield Unit(path.stem, release, (path, labels), {"split": split})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The fitted people of one file, and who has joints alone in their images.

    Raises:
        InputError: a file is broken; names it.
    """
    fits, records = read_eft(unit.files[0]), read_images(unit.files[1])
    people = joined(fits, records, unit.files[1])
    root = unit.release.root

    def place(name: str) -> Place:
        return Place(f"images/{name}", unit.key["split"], last_number(name))

    def sizes(paths: list[str]) -> NDArray[np.int64]:
        known = [records.get(path.rpartition("/")[2]) for path in paths]
        if all(known):
            return np.asarray([(r["width"], r["height"]) for r in known if r], np.int64)
        return header_sizes(root, paths)

    everybody = FitList(people.image, people.key, lambda size: _columns(fits, people, size, bodies))
    found = listed_people(unit, everybody, place, bodies, size=sizes)
    row = np.arange(len(people.key))
    more = {"bbox": _boxes(found.columns, people), "source_row": nullable(row, row < len(fits))}
    return Instances({**found.columns, **more}, found.images)


def _columns(
    fits: Eft, people: People, size: NDArray[Any], bodies: BodySet
) -> dict[str, NDArray[Any]]:
    """Bodies, null for people without a fit, and keypoints of either source."""
    has = np.arange(len(people.key)) < len(fits)
    found = spread(eft_columns(fits, size[has], bodies), has)
    return {**found, **with_owners_joints(found, people.joints, OCHUMAN_19)}


def _boxes(columns: Columns, people: People) -> NDArray[Any]:
    """The owners' boxes; around the joints of a fit that is nobody's."""
    tight, native = columns["bbox"], present(people.boxes)
    mixed = np.where(native[:, None], np.ma.getdata(people.boxes), np.ma.getdata(tight))
    return nullable(mixed, native | present(tight))
