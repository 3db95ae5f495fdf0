"""The one camera of EHF, read from EHF_camera.txt and held against the published figures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.geometry import axis_angle, rotation_matrix

HEIGHT, WIDTH = 1200, 1600

# headings of the file → figures that the evaluators of the field use, and how far they may differ
PUBLISHED = {
    "focal": ((1498.22426237, 1498.22426237), 0.05),  # px
    "principal": ((790.263706, 578.90334), 0.05),  # px
    "translation": ((-0.03609917, 0.43416458, 2.37101226), 1e-4),  # m
    "rotation": ((-2.98747896, 0.01172457, -0.05704687), 1e-4),  # axis-angle, rad
}
_HEADING = re.compile(r"(focal|principal|translation|rotation)", re.IGNORECASE)
_DECIMAL = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class EhfCamera:
    """x_camera = rotation · x_scan + translation, then a pinhole.

    Attributes:
        focal: (2,) [px].
        principal_point: (2,) [px].
        rotation: (3, 3) scan frame → camera.
        translation: (3,) [m].
    """

    focal: NDArray[np.float64]
    principal_point: NDArray[np.float64]
    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]


def read_camera(path: Path) -> EhfCamera:
    """The camera in EHF_camera.txt.

    The wording around the numbers is not relied on: the decimal numbers after each of the four
    headings count. One focal length stands for both axes; a rotation may be a vector or a matrix.

    Raises:
        InputError: a heading is missing, or a figure is not that of EHF's camera.
    """
    values = _numbers(path.read_text(encoding="utf-8", errors="replace"))
    for name, (published, tolerance) in PUBLISHED.items():
        found = values.get(name, np.zeros(0))
        if len(found) != len(published) or np.abs(found - published).max() > tolerance:
            raise InputError(
                f"{path}: expected {name} {published}, the camera of EHF, found "
                f"{found.tolist() or 'nothing'}. Is this the file of the release?"
            )
    return EhfCamera(
        focal=values["focal"],
        principal_point=values["principal"],
        rotation=rotation_matrix(values["rotation"]),
        translation=values["translation"],
    )


def _numbers(text: str) -> dict[str, NDArray[np.float64]]:
    """The decimal numbers after each heading; focal and rotation brought to one form."""
    parts = _HEADING.split(text)
    values = {
        heading.lower(): np.array([float(x) for x in _DECIMAL.findall(after)])
        for heading, after in zip(parts[1::2], parts[2::2], strict=True)
        if _DECIMAL.search(after)
    }
    if len(values.get("focal", ())) == 1:
        values["focal"] = np.repeat(values["focal"], 2)
    if len(values.get("rotation", ())) == 9:
        values["rotation"] = axis_angle(values["rotation"].reshape(3, 3))
    return values
