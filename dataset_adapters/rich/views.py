"""RICH's static cameras: calibration in OpenCV's XML, and pictures of whatever size and format."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.dataset_adapters.images import header_sizes
from ehpsbench.dataset_adapters.readers.fit_files import fitting_scale, opencv_lens
from ehpsbench.dataset_adapters.readers.static_views import StaticView
from ehpsbench.dataset_adapters.release import natural_order
from ehpsbench.errors import InputError, MissingFiles

__all__ = [
    "NATIVE",
    "Filmed",
    "frame_pictures",
    "lens_scale",
    "native_size",
    "read_views",
    "sequence_views",
]

Floats = NDArray[np.float64]
NATIVE = (4112, 3008)  # px, of the longer and the shorter side
IMAGES = ("images/{}", "{}")  # of the toolkit's tree; of the archives
FORMATS = {"Pavallion": "png", "LectureHall": "png"}  # the other scenes: bmp
PICTURE = re.compile(r"(\d+)_\d+\.(bmp|png|jpeg|jpg)", re.IGNORECASE)


class Filmed(NamedTuple):
    """A static camera of a sequence, and where its pictures are, if there are any."""

    view: StaticView
    folder: Path
    suffix: str


def sequence_views(root: Path, split: str, sequence: str) -> dict[int, tuple[Path, Path]]:
    """Camera number → calibration and picture folder of the static cameras of a sequence.

    Those whose pictures are there, or all of the scene where none are; a camera without
    calibration moves.
    """
    scene = sequence.partition("_")[0]
    paths = sorted((root / f"scan_calibration/{scene}/calibration").glob("[0-9]*.xml"))
    if not paths:
        raise MissingFiles(
            f"{root}/scan_calibration/{scene}/calibration/ has no cameras (000.xml …) for "
            f"{sequence}; unpack scan_calibration.zip beside the bodies."
        )
    places = [root / pattern.format(split) / sequence for pattern in IMAGES]
    place = next((folder for folder in places if folder.is_dir()), None)
    found = {}
    for path in paths:
        folder = (place or places[0]) / f"cam_{int(path.stem):02d}"
        if place is None or folder.is_dir():
            found[int(path.stem)] = (path, folder)
    return found


def read_views(views: Mapping[int, tuple[Path, Path]], root: Path) -> list[Filmed]:
    """Calibration and picture size of each view; pixels are those of the pictures.

    Raises:
        InputError: a file is no calibration.
    """
    return [_view(number, path, folder, root) for number, (path, folder) in views.items()]


def frame_pictures(root: Path, filmed: Filmed, fitted: Sequence[int]) -> dict[int, str]:
    """Frame → picture, relative to the root: those on disk, else those of the fitted frames."""
    place = filmed.folder.relative_to(root).as_posix()
    if not filmed.folder.is_dir():
        number = int(filmed.view.name.removeprefix("cam_"))
        return {frame: f"{place}/{frame:05d}_{number:02d}.{filmed.suffix}" for frame in fitted}
    names = {p.name: PICTURE.fullmatch(p.name) for p in filmed.folder.iterdir()}
    found = {int(match[1]): name for name, match in sorted(names.items()) if match}
    return {frame: f"{place}/{found[frame]}" for frame in sorted(found)}


def native_size(principal_point: ArrayLike) -> NDArray[np.int64]:
    """(2,) width and height of a whole picture [px]: some cameras stand upright."""
    x, y = np.asarray(principal_point, np.float64)
    return np.array(NATIVE if x >= y else NATIVE[::-1])


def lens_scale(size: ArrayLike, principal_point: ArrayLike) -> float:
    """What a lens [px] must be multiplied with to fit pictures of this size.

    One, or by how much the pictures were made smaller than `NATIVE`: that which brings the
    principal point nearer to the middle.
    """
    seen = np.asarray(size, np.float64)
    shrunk = float(seen[0] / native_size(seen)[0])
    return fitting_scale(seen, principal_point, (1.0, shrunk))


def _view(number: int, path: Path, folder: Path, root: Path) -> Filmed:
    pose, lens, bent = _calibration(path)
    centre = lens[:2, 2]
    scene = path.parent.parent.name
    pictures = sorted(folder.glob(f"*_{number:02d}.*"), key=natural_order)
    size = native_size(centre)
    if pictures:
        size = header_sizes(root, [pictures[0].relative_to(root).as_posix()])[0]
    scale = lens_scale(size, centre)
    view = StaticView(
        name=f"cam_{number:02d}",
        path=path,
        size=size,
        focal=scale * lens[(0, 1), (0, 1)],
        principal_point=scale * centre,
        world_rotation=pose[:, :3],
        world_translation=pose[:, 3],
        distortion=bent,
    )
    return Filmed(view, folder, FORMATS.get(scene, "bmp"))


def _calibration(path: Path) -> tuple[Floats, Floats, Floats]:
    """World → camera (3, 4) [m], intrinsics (3, 3) [px] of whole pictures, distortion (8,)."""
    try:
        content = ElementTree.parse(path).getroot()
        pose, lens = (
            np.array((content.findtext(f"{name}/data") or "").split(), np.float64).reshape(shape)
            for name, shape in (("CameraMatrix", (3, 4)), ("Intrinsics", (3, 3)))
        )
        bent = np.array((content.findtext("Distortion/data") or "").split(), np.float64)
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(
            f"{path} is no camera of RICH ({type(error).__name__}: {error}). Expected "
            "CameraMatrix/data with 12 numbers and Intrinsics/data with 9."
        ) from error
    return pose, lens, opencv_lens(bent, path)
