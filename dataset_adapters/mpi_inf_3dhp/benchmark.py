"""A sequence of the test set: 17 joints of a person before one camera, in a .mat of version 7.3."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.identity import person_identity, repeat
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.mpi_inf_3dhp.joints import joint_columns
from ehpsbench.dataset_adapters.parameters import validity
from ehpsbench.dataset_adapters.readers.hdf5 import opened_hdf5
from ehpsbench.dataset_adapters.readers.mpi_inf import MPI_INF_17
from ehpsbench.dataset_adapters.release import Unit
from ehpsbench.geometry import project
from ehpsbench.schema import Instances

Floats = NDArray[np.float64]
MILLIMETRE = 1e-3
JOINTS = len(MPI_INF_17)
# The release does not hold the cameras; their lenses are those that the field shares.
STUDIO: dict[str, Any] = {
    "size": (2048, 2048),
    "focal": (1500.17, 1500.83),
    "principal_point": (1017.39, 1043.49),
}
OUTDOOR: dict[str, Any] = {
    "size": (1920, 1080),
    "focal": (1683.98, 1672.59),
    "principal_point": (939.86, 556.35),
    "distortion": (-0.276859611, 0.131125256, -0.000360494, -0.001149441, -0.049318332),
}
OUTSIDE = ("TS5", "TS6")
# The pixels are not quite square; some scale the centre's height [px] with them, some do not.
OTHER_HEIGHT = {False: 1043.03, True: 560.14}  # of the studio's camera, of the one outdoors


def lens_of(sequence: str) -> dict[str, Any]:
    """Size, focal length, principal point and maybe distortion of a test sequence's camera."""
    return dict(OUTDOOR if sequence in OUTSIDE else STUDIO)


def seen_lens(sequence: str, space: Floats, pixels: Floats) -> dict[str, Any]:
    """The same, with the height of the centre that joints [m] and their pixels bear out."""
    lens = lens_of(sequence)
    across, height = lens["principal_point"]
    bent: dict[str, Any] = {}
    if "distortion" in lens:
        bent = {"distortion": np.pad(lens["distortion"], (0, 3))}
        bent["distortion_model"] = "opencv_rational"
    gap: dict[float, float] = {}
    for y in (height, OTHER_HEIGHT[sequence in OUTSIDE]):
        with np.errstate(divide="ignore", invalid="ignore"):
            seen = project(space, lens["focal"], (across, y), **bent)[..., 1]
        off = np.abs(seen - pixels[..., 1])
        gap[y] = float(np.nanmedian(off)) if np.isfinite(off).any() else np.inf
    return lens | {"principal_point": (across, min(gap, key=lambda y: gap[y]))}


def read_test(unit: Unit) -> Instances:
    """Joints of every frame; frames that the owners do not count have owner_valid false.

    `univ_annot3` has the bones of a universal skeleton and does not project onto the image.

    Raises:
        InputError: the file is broken; names it.
    """
    path = unit.files[0]
    with opened_hdf5(path, f"annot2, annot3 of {JOINTS} joints and valid_frame") as content:
        pixels = np.asarray(content["annot2"], np.float64).reshape(-1, JOINTS, 2)
        count = len(pixels)
        space = np.asarray(content["annot3"], np.float64).reshape(count, JOINTS, 3) * MILLIMETRE
        valid = np.asarray(content["valid_frame"]).reshape(count) > 0
    lens = seen_lens(unit.name, space, pixels)
    size = lens.pop("size")
    folder = unit.release.relative(path.parent)
    images = image_columns(
        unit,
        [f"{folder}/imageSequence/img_{row + 1:06d}.jpg" for row in range(count)],
        size,
        split="test",
        sequence=unit.name,
        frame=np.arange(count),
        cluster=unit.name,
        source_row=np.arange(count),
        **lens,
    )
    columns = person_identity(images, np.arange(count), [unit.name] * count)
    columns |= {name: repeat(unit.name, count) for name in ("subject", "track")}
    columns |= validity(count, (), owner=valid)
    columns |= joint_columns(pixels, space, MPI_INF_17, columns)
    return Instances(columns | {"source_row": np.arange(count)}, images)
