"""One recording of the owners: joints of every camera, their lenses, and SPIN's fits to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.identity import person_identity, repeat
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.mpi_inf_3dhp.calibration import read_calibration
from ehpsbench.dataset_adapters.mpi_inf_3dhp.joints import joint_columns
from ehpsbench.dataset_adapters.mpi_inf_3dhp.spin import spin_columns
from ehpsbench.dataset_adapters.readers.matlab import load_mat
from ehpsbench.dataset_adapters.readers.mpi_inf import MPI_INF_24, MPI_INF_24_OF_28
from ehpsbench.dataset_adapters.release import Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]
MILLIMETRE = 1e-3
JOINTS = 28
CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)  # that the owners' script fetches unless told otherwise
# folder and name of a frame, and the number of the first: SPIN's, mmhuman3d's, PosePile's
LAYOUTS = (
    ("imageFrames/video_{camera}", "frame_{number:06d}.jpg", 1),
    ("video_{camera}", "{number:06d}.jpg", 1),
    ("imageSequence", "img_{camera}_{number:06d}.jpg", 0),
)
SHORT = {("S6/Seq2", 2): 3911}  # frames of a video that ends before its labels do


def read_recording(unit: Unit, bodies: BodySet) -> Instances:
    """The person of one recording in the frame of every camera whose pictures are there.

    Raises:
        InputError: a file is broken; names it.
    """
    path, calibration = unit.files[:2]
    cameras = _cameras(path.parent)
    lenses = read_calibration(calibration, max(cameras) + 1)
    pixels, space = _joints(path, cameras)
    images, row, camera = _images(unit, cameras, lenses, space.shape[1])
    pixels, space = pixels[camera, row], space[camera, row]
    subject = path.parent.parent.name
    columns = person_identity(images, np.arange(len(row)), [subject] * len(row))
    columns |= {name: repeat(subject, len(row)) for name in ("subject", "track")}
    columns |= joint_columns(pixels, space, MPI_INF_24, columns)
    if len(unit.files) > 2:
        columns |= spin_columns(unit.files[2], columns, pixels, space, bodies)
    return Instances(columns | {"source_row": row}, images)


def _joints(path: Path, cameras: list[int]) -> tuple[Floats, Floats]:
    """(C, F, 24, 2) pixels and (C, F, 24, 3) metres in the frame of each camera: `MPI_INF_24`.

    `univ_annot3` has the bones of a universal skeleton and does not project onto the image.
    """
    found = load_mat(path, "annot2", "annot3")
    try:
        annot2, annot3 = (
            [np.asarray(found[name].reshape(-1)[c], np.float64) for c in cameras]
            for name in ("annot2", "annot3")
        )
        pixels = np.stack([values.reshape(-1, JOINTS, 2) for values in annot2])
        space = np.stack([values.reshape(-1, JOINTS, 3) for values in annot3]) * MILLIMETRE
        if pixels.shape[:2] != space.shape[:2]:
            raise ValueError(f"annot2 of {pixels.shape[1]} frames, annot3 of {space.shape[1]}")
    except (IndexError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} has no labels of MPI-INF-3DHP ({type(error).__name__}: {error}). Expected "
            f"annot2 and annot3 of {JOINTS} joints for cameras {cameras}, equally many frames each."
        ) from error
    kept = list(MPI_INF_24_OF_28)
    return pixels[:, :, kept], space[:, :, kept]


def _cameras(folder: Path) -> list[int]:
    """Those whose frames or videos are there, else those that everybody has."""
    found = [c for c in range(14) if _layout(folder, c) is not None]
    videos = [c for c in range(14) if (folder / f"imageSequence/video_{c}.avi").is_file()]
    return found or videos or list(CAMERAS)


def _layout(folder: Path, camera: int) -> tuple[str, str, int] | None:
    """How frames of a camera were extracted; None: not."""
    for inside, name, first in LAYOUTS:
        place = folder / inside.format(camera=camera)
        known = name.format(camera=camera, number=0)
        if next(place.glob(known.replace("000000", "*")), None) is not None:
            return inside, name, first
    return None


def _images(
    unit: Unit, cameras: list[int], lenses: list[dict[str, Floats]], frames: int
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64], NDArray[np.int64]]:
    """Columns of the images of all cameras; row of the labels, and place in `cameras`, of each."""
    folder = unit.files[0].parent
    paths, rows = [], []
    for camera in cameras:
        inside, name, first = _layout(folder, camera) or LAYOUTS[0]
        place = f"{unit.release.relative(folder)}/{inside}/{name}"
        rows.append(np.arange(min(frames, SHORT.get((unit.name, camera), frames))))
        paths += [place.format(camera=camera, number=row + first) for row in rows[-1].tolist()]
    which = np.repeat(np.arange(len(cameras)), [len(each) for each in rows])
    row = np.concatenate(rows)
    table = {name: np.stack([lenses[c][name] for c in cameras])[which] for name in lenses[0]}
    images = image_columns(
        unit,
        paths,
        table.pop("size"),
        split="train",
        sequence=unit.name,
        camera=[str(cameras[c]) for c in which],
        frame=row,
        cluster=unit.name,
        source_row=row,
        **table,
    )
    return images, row, which
