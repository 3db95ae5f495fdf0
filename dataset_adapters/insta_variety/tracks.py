"""The owners' record files: a record is the track of one person, with its crops as JPEG files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.readers.fit_lists import last_number
from ehpsbench.dataset_adapters.readers.tfrecord import Example, read_records
from ehpsbench.errors import InputError

__all__ = ["Track", "read_tracks"]

Floats = NDArray[np.float64]
SIDE = 224.0  # px
JOINTS, FACE, TOES = 14, 5, 6


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """F crops of one person.

    Attributes:
        index: of the record in its file, from 0.
        video: tag and name of the video.
        frames: (F,) numbers of the frames in it.
        points: (F, 25, 3) x, y [px] and visibility; see `adapter.INSTA_25`.
        crops: (F,) JPEG files; none where they were not asked for.
    """

    index: int
    video: str
    frames: tuple[int, ...]
    points: Floats
    crops: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.frames)

    def picture(self, split: str, record: str, frame: int) -> str:
        """Where `unpack` puts a crop: two people of a frame have crops of one name."""
        return f"images/{split}/{record}/{self.index:05d}/{frame:06d}.jpg"


def read_tracks(path: Path, *, crops: bool = False) -> Iterator[Track]:
    """The tracks of a file, with their pictures or without.

    Raises:
        InputError: it is no record file, or a record lacks something.
    """
    for index, example in enumerate(read_records(path)):
        try:
            track = _track(index, example)
            yield track if crops else replace(track, crops=())
        except (KeyError, ValueError, IndexError, TypeError, InputError) as error:
            raise InputError(
                f"{path}: record {index} is no track of InstaVariety ({type(error).__name__}: "
                f"{error}). Expected meta/N, image/filenames, image/xys, image/visibilities, …"
            ) from error


def _track(index: int, example: Example) -> Track:
    count = int(np.asarray(example["meta/N"]).reshape(-1)[0])
    names = [PurePosixPath(bytes(n).decode()) for n in example["image/filenames"]]
    crops = tuple(bytes(crop) for crop in example["image/encoded"])
    if not count == len(names) == len(crops):
        raise ValueError(f"{count} frames, {len(names)} names, {len(crops)} crops")
    body = np.asarray(example["image/xys"], np.float64).reshape(count, 2, JOINTS)
    shown = np.asarray(example["image/visibilities"], np.float64).reshape(count, 1, JOINTS)
    parts = [np.concatenate([body, shown], 1)]
    parts += [_extra(example, "image/face_pts", FACE, count)]
    parts += [_extra(example, "image/toe_pts", TOES, count)]
    points = np.concatenate(parts, 2).transpose(0, 2, 1)
    if len(example.get("image/phis", ())):  # then pixels are written from −1 to 1
        points[..., :2] = (points[..., :2] + 1) / 2 * SIDE
    points[points[..., 2] <= 0] = 0.0
    frames = tuple(last_number(str(name)) for name in names)
    return Track(index, "/".join(names[0].parts[-3:-1]), frames, points, crops)


def _extra(example: Example, key: str, joints: int, count: int) -> Floats:
    """(F, 3, joints) x, y, visibility; nothing seen where the record lacks them."""
    values: Any = example.get(key, ())
    if not len(values):
        return np.zeros((count, 3, joints))
    return np.asarray(values, np.float64).reshape(count, 3, joints)
