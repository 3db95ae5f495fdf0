"""Human3.6M's metadata.xml: what the files of an action are called, and the cameras."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.read_once import read_once
from ehpsbench.errors import InputError
from ehpsbench.geometry import rotation_matrix

__all__ = ["CAMERAS", "SIZES", "Lens", "Metadata", "read_metadata"]

Floats = NDArray[np.float64]
CAMERAS = ("54138969", "55011271", "58860488", "60457274")  # cam_idx 1 to 4
SIZES = ((1000, 1002), (1000, 1000), (1000, 1000), (1000, 1002))  # width, height [px]
SUBJECTS = 11
POSE, LENS = 6, 9  # numbers: three angles and the centre [mm]; f, c, k1 k2 k3, p1 p2
MM = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """A camera as one subject is seen: x_camera = R x_world + t [m]; OpenCV's distortion."""

    rotation: Floats
    translation: Floats
    focal: Floats
    principal_point: Floats
    distortion: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Metadata:
    """What metadata.xml says.

    Attributes:
        actions: subject and name of its files → action and subaction, as "S1", "Directions 1".
        extrinsics: (4, 11, 6).
        intrinsics: (4, 9).
    """

    actions: dict[tuple[str, str], tuple[int, int]]
    extrinsics: Floats
    intrinsics: Floats

    def lens(self, subject: int, camera: int) -> Lens:
        """The camera (0 to 3) of a subject (from 1)."""
        angles, centre = np.split(self.extrinsics[camera, subject - 1], 2)
        about_x, about_y, about_z = (rotation_matrix(row) for row in np.diag(angles))
        turn = about_x @ about_y @ about_z
        focal, middle, radial, aside = np.split(self.intrinsics[camera], (2, 4, 7))
        bent = np.array([*radial[:2], *aside, radial[2]])
        return Lens(turn, -turn @ centre * MM, focal, middle, bent)


@read_once(1)
def read_metadata(path: Path) -> Metadata:
    """The file in `path`.

    Raises:
        InputError: it is no such file.
    """
    try:
        root = ET.parse(path).getroot()
        numbers = re.findall(r"[^\s\[\],;]+", root.findtext("w0", ""))
        values = np.asarray(numbers, np.float64)
        poses = len(CAMERAS) * SUBJECTS * POSE
        if len(values) != poses + len(CAMERAS) * LENS:
            raise ValueError(f"w0 has {len(values)} numbers, expected 300")
        rows = [[cell.text or "" for cell in row] for row in root.findall("mapping/*")]
        subjects = rows[0][2:]
        actions = {
            (subject, name): (int(row[0]), int(row[1]))
            for row in rows[1:]
            if len(row) == len(rows[0]) and row[0].isdigit() and row[1].isdigit()
            for subject, name in zip(subjects, row[2:], strict=True)
        }
    except (ET.ParseError, ValueError, IndexError, OSError) as error:
        raise InputError(
            f"{path} is not Human3.6M's metadata ({type(error).__name__}: {error}). Expected "
            "mapping, a table of the names of actions, and w0, 264 numbers of poses and 36 of "
            "lenses. It is in Release-v1.2/ of code-v1.2.zip."
        ) from error
    return Metadata(
        actions,
        values[:poses].reshape(len(CAMERAS), SUBJECTS, POSE),
        values[poses:].reshape(len(CAMERAS), LENS),
    )
