"""PoseTrack18: EFT's fits of people in videos, with the tracks that EFT names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from ehpsbench.dataset_adapters.identity import text
from ehpsbench.dataset_adapters.readers.eft import Eft, eft_columns, read_eft
from ehpsbench.dataset_adapters.readers.fit_lists import (
    FitList,
    Place,
    last_number,
    listed_people,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

TRACK = "-id"  # in subjectId, between the folder of the frame and the number of the track


def units(release: Release) -> Iterator[Unit]:
    """One unit per file of EFT; all are of the training split."""
    for path in release.find("*/PoseTrack_*.json"):
        yield Unit(path.stem, release, (path,), {"split": "train"})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The fitted people of one file.

    Raises:
        InputError: a fit names a frame, but not of what video.
    """
    fits = read_eft(unit.files[0])
    frames = [_frame(unit.files[0], str(n), str(s)) for n, s in _named(fits)]
    fits = replace(fits, image=np.asarray([*frames, None], object)[:-1])
    tracks = [subject.rpartition(TRACK)[2] for subject in fits.subject]
    keys = text(tracks) if all(tracks) else None
    people = FitList(fits.image, keys, lambda size: eft_columns(fits, size, bodies))
    found = listed_people(unit, people, _place, bodies, video=True)
    if keys is None:
        return found
    return Instances({**found.columns, "track": keys}, found.images)


def _named(fits: Eft) -> Iterator[tuple[str, str]]:
    return zip(fits.image, fits.subject, strict=True)


def _frame(source: Path, name: str, subject: str) -> str:
    """<video>/<frame>.jpg, whether EFT wrote this, the path from the root, or the frame alone."""
    path = PurePosixPath(name)
    video = path.parent.name or PurePosixPath(subject.rpartition(TRACK)[0]).name
    if not video:
        raise InputError(
            f"{source}: imageName {name!r} has no folder, and subjectId {subject!r} no video. "
            "Expected e.g. 000001_bonn_train/000000.jpg, or 000001_bonn_train-id001."
        )
    return f"{video}/{path.name}"


def _place(name: str) -> Place:
    return Place(f"images/train/{name}", PurePosixPath(name).parent.name, last_number(name))
