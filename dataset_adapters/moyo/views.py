"""MOYO's pictures, which are made smaller, and its cameras, which stand in millimetres."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.images import header_sizes
from ehpsbench.dataset_adapters.readers.fit_files import fitting_scale
from ehpsbench.dataset_adapters.readers.static_views import StaticView
from ehpsbench.dataset_adapters.release import Unit
from ehpsbench.errors import InputError

__all__ = ["HALF", "Pictures", "pictures", "read_views"]

Floats = NDArray[np.float64]
CAMERAS = 8
FIRST = 1  # number of the first picture, where none is there
HALF = (2056, 1504)  # px, of a released picture, where none is there
MILLIMETRE = 1e-3
NUMBER = re.compile(r"_(\d+)\.jpe?g$", re.IGNORECASE)


class Pictures(NamedTuple):
    """Pictures of a sequence: `path`, `view` and `number` (M,); `first` is the smallest number.

    `cameras` are the views' numbers from 1.
    """

    path: list[str]
    view: NDArray[np.int64]
    number: NDArray[np.int64]
    first: int
    cameras: tuple[int, ...]


def pictures(unit: Unit, fitted: int) -> Pictures:
    """Those on disk, else one for each of the `fitted` frames and cameras."""
    session, split, sequence = (unit.key[name] for name in ("session", "split", "sequence"))
    place = f"{session}/images/{split}/{sequence}"
    folder = unit.release.root / place
    path: list[str] = []
    view: list[int] = []
    number: list[int] = []
    there = [c for c in _cameras(unit) if (folder / _name(c)).is_dir()]
    cameras = there or _cameras(unit)
    for index, camera in enumerate(cameras):
        names = {f: f"{sequence}_{_name(camera)}_{f:04d}.jpg" for f in range(FIRST, FIRST + fitted)}
        if there:
            found = [(p.name, NUMBER.search(p.name)) for p in (folder / _name(camera)).iterdir()]
            names = {int(match[1]): name for name, match in sorted(found) if match}
        path += [f"{place}/{_name(camera)}/{names[f]}" for f in sorted(names)]
        number += sorted(names)
        view += [index] * len(names)
    numbers = np.array(number, np.int64)
    first = int(numbers.min()) if len(numbers) else FIRST
    return Pictures(path, np.array(view, np.int64), numbers, first, tuple(cameras))


def read_views(unit: Unit, shown: Pictures) -> list[StaticView]:
    """The cameras of the pictures.

    Raises:
        InputError: the file lacks one, or something of it.
    """
    path = unit.files[1]
    content = read_json(path)
    views = []
    for index, camera in enumerate(shown.cameras):
        try:
            values = content[f"cam_{camera}"]
            turn = np.asarray(values["rotation"], np.float64).reshape(3, 3)
            position = MILLIMETRE * np.asarray(values["position"], np.float64).reshape(3)
            centre = np.asarray(values["princpt"], np.float64).reshape(2)
            focal = np.full(2, float(values["focal"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: expected cam_{camera} with focal, princpt, rotation and position "
                f"({type(error).__name__}: {error})."
            ) from error
        size = _size(unit, shown, index, centre)
        # released at half their size, whole, or made smaller still
        shrunk = float(size[0] / (2 * (HALF if size[0] >= size[1] else HALF[::-1])[0]))
        scale = fitting_scale(size, centre, (0.5, 1.0, shrunk))
        lens, shift = (scale * focal, scale * centre), -turn @ position
        views.append(StaticView(_name(camera), path, size, *lens, turn, shift))
    return views


def _size(unit: Unit, shown: Pictures, view: int, centre: Floats) -> NDArray[np.int64]:
    """(2,) of the first picture of a view, all of which are alike; upright as the lens is."""
    own = [shown.path[i] for i in np.flatnonzero(shown.view == view)[:1]]
    otherwise = HALF if centre[0] >= centre[1] else HALF[::-1]
    return header_sizes(unit.release.root, own, otherwise)[0] if own else np.array(otherwise)


def _cameras(unit: Unit) -> list[int]:
    known = read_json(unit.files[1])
    found = [number for number in range(1, CAMERAS + 1) if f"cam_{number}" in known]
    if not found:
        raise InputError(f"{unit.files[1]}: expected cam_1 to cam_{CAMERAS}, found none of them.")
    return found


def _name(camera: int) -> str:
    return f"YOGI_Cam_{camera:02d}"
