"""PoseTrack18: everybody of the owners' tracks, with EFT's body where a track of a frame has one.

EFT names a fit's frame and track, the owners' files (a video each, COCO-like) have both too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.identity import text
from ehpsbench.dataset_adapters.parameters import spread
from ehpsbench.dataset_adapters.posetrack.tracks import LABELS, Tracked, fitted_people, of_videos
from ehpsbench.dataset_adapters.readers.eft import Eft, eft_columns, read_eft
from ehpsbench.dataset_adapters.readers.fit_lists import (
    FitList,
    Place,
    last_number,
    listed_people,
    with_owners_joints,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.geometry import box_around
from ehpsbench.schema import Columns, Instances, nullable, present
from ehpsbench.skeleton.sources import POSETRACK_17

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet


def units(release: Release) -> Iterator[Unit]:
    """One unit for EFT's list, which is of the training split; one per video of validation."""
    for path in release.find("*/PoseTrack_ver*.json")[-1:]:
        videos = release.find(LABELS.format("train"))
        yield Unit("train", release, (path, *videos), {"split": "train"})
    for path in release.find(LABELS.format("val")):
        yield Unit(f"val/{path.stem}", release, (path,), {"split": "val"}, ())


def read(unit: Unit, bodies: BodySet) -> Instances:
    """Everybody labelled in a split or a video, once each.

    Raises:
        InputError: a file is broken; or a fit names a frame, but not of what video.
    """
    split, files = unit.key["split"], unit.files
    fits = read_eft(files[0]) if split == "train" else None
    fitted = fitted_people(files[0], fits) if fits else []
    named = all(person.track for person in fitted)  # else nobody knows whose fit it is
    videos = files[1:] if fits else files
    people = _Joined.of(of_videos(videos) if named else [], fitted)
    image = np.asarray([*(person.image for person in people.people), None], object)[:-1]
    keys = text(person.track for person in people.people) if named else None
    all_of = FitList(image, keys, lambda size: people.columns(fits, size, bodies))

    def place(name: str) -> Place:
        path = PurePosixPath(name)
        return Place(f"images/{split}/{name}", path.parent.name, last_number(name))

    found = listed_people(unit, all_of, place, bodies, video=True)
    more = {"bbox": people.boxes(found.columns)} | ({} if keys is None else {"track": keys})
    if fits:
        more["source_row"] = nullable(people.fit, people.fit >= 0)
    return Instances({**found.columns, **more}, found.images)


@dataclass(frozen=True, slots=True)
class _Joined:
    """N people, each with its row among the fits, or −1."""

    people: Sequence[Tracked]
    fit: NDArray[np.int64]

    @classmethod
    def of(cls, tracked: list[Tracked], fitted: list[Tracked]) -> _Joined:
        """The owners' people, then the fits that are of none of them."""
        place = {(p.image, p.track): row for row, p in enumerate(fitted)} if tracked else {}
        fit = [place.get((p.image, p.track), -1) for p in tracked]
        rest = sorted({*range(len(fitted))} - {*fit})
        return cls([*tracked, *(fitted[r] for r in rest)], np.asarray([*fit, *rest], np.int64))

    def columns(
        self, fits: Eft | None, size: NDArray[Any], bodies: BodySet
    ) -> dict[str, NDArray[Any]]:
        """Bodies, null for people without a fit, and keypoints of either source."""
        has = self.fit >= 0
        found: dict[str, NDArray[Any]] = {}
        if fits is not None and has.any():
            found = spread(eft_columns(fits.taken(self.fit[has]), size[has], bodies), has)
        points = np.stack([p.keypoints for p in self.people] or [np.zeros((17, 3))])
        return {**found, **with_owners_joints(found, points[: len(has)], POSETRACK_17)}

    def boxes(self, columns: Columns) -> NDArray[Any]:
        """Boxes around the joints of fits, else the owners', else around the owners' joints."""
        own = np.asarray([p.box for p in self.people], np.float64).reshape(-1, 4)
        points = np.stack([p.keypoints for p in self.people] or [np.zeros((17, 3))])[: len(own)]
        around = box_around(np.where(points[..., 2:] > 0, points[..., :2], np.nan))
        own = np.where((own[:, 2:] > 0).all(1, keepdims=True), own, np.nan_to_num(around))
        labelled = np.asarray((own[:, 2:] > 0).all(1), bool)
        if "bbox" not in columns:
            return nullable(own, labelled)
        known = present(columns["bbox"])
        mixed = np.where(known[:, None], np.ma.getdata(columns["bbox"]), own)
        return nullable(mixed, known | labelled)
