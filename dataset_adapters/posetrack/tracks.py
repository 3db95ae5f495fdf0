"""Who is in which frame of PoseTrack18: the owners' files, a video each, and the names in EFT's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.readers.coco import read_coco
from ehpsbench.dataset_adapters.readers.eft import Eft
from ehpsbench.errors import InputError

__all__ = ["LABELS", "Tracked", "fitted_people", "frame_of", "of_videos"]

Floats = NDArray[np.float64]
LABELS = "posetrack_data/annotations/{}/*.json"
TRACK = "-id"  # in subjectId, between the folder of the frame and the number of the track
JOINTS = 17


@dataclass(frozen=True, slots=True, eq=False)
class Tracked:
    """Somebody in a frame.

    Attributes:
        image: <video>/<frame>.jpg.
        track: number within the video; empty where it is unknown.
        keypoints: (17, 3) x, y, visibility [px]; zeros where the owners have none.
        box: (4,) x, y, w, h [px]; zeros likewise.
    """

    image: str
    track: str
    keypoints: Floats
    box: Floats


def of_videos(paths: Sequence[Path]) -> list[Tracked]:
    """Everybody in the owners' files; frames that nobody labelled have nobody.

    Raises:
        InputError: a file is broken; names it.
    """
    return [person for path in paths for person in _of_video(path)]


def _of_video(path: Path) -> list[Tracked]:
    coco = read_coco(path)
    try:
        names = [_tail(str(name)) for name in coco.of_images("file_name")]
        pairs = zip(coco.image, coco.annotations, strict=True)
        return [_person(names[row], record) for row, record in pairs]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no video of PoseTrack18 ({type(error).__name__}: {error}). Expected images "
            "with file_name, and people with track_id and 51 keypoints."
        ) from error


def _person(image: str, record: Mapping[str, Any]) -> Tracked:
    points = record.get("keypoints") or [0.0] * (3 * JOINTS)
    return Tracked(
        image,
        _number(str(record["track_id"])),
        np.asarray(points, np.float64).reshape(JOINTS, 3),
        np.asarray(record.get("bbox") or [0.0] * 4, np.float64).reshape(4),
    )


def fitted_people(source: Path, fits: Eft) -> list[Tracked]:
    """The people of EFT's file `source`, without keypoints and box.

    Raises:
        InputError: a fit names a frame, but not of what video.
    """
    nothing = np.zeros((JOINTS, 3)), np.zeros(4)
    return [
        Tracked(frame_of(source, str(name), str(subject)), _track(str(subject)), *nothing)
        for name, subject in zip(fits.image, fits.subject, strict=True)
    ]


def frame_of(source: Path, name: str, subject: str) -> str:
    """<video>/<frame>.jpg, whether EFT wrote this, the path from the root, or the frame alone."""
    path = PurePosixPath(name)
    video = path.parent.name or PurePosixPath(subject.rpartition(TRACK)[0]).name
    if not video:
        raise InputError(
            f"{source}: imageName {name!r} has no folder, and subjectId {subject!r} no video. "
            "Expected e.g. 000001_bonn_train/000000.jpg, or 000001_bonn_train-id001."
        )
    return f"{video}/{path.name}"


def _tail(name: str) -> str:
    path = PurePosixPath(name)
    return f"{path.parent.name}/{path.name}"


def _track(subject: str) -> str:
    return _number(subject.rpartition(TRACK)[2])


def _number(track: str) -> str:
    """A track as EFT writes it: three digits."""
    return f"{int(track):03d}" if track.isdigit() else track
