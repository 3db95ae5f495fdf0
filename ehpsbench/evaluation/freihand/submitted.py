"""FreiHAND's pred.json: joints and vertices of every evaluation image, in order."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.other_kinds import JSON, kind_of, refusal

Floats = NDArray[np.float64]
JOINTS = 21
FARTHEST = 10.0  # m: no hand of FreiHAND is as far from the camera; millimetres are


@dataclass(frozen=True, slots=True)
class Hands:
    """What a file says of all images.

    Attributes:
        joints: (N, 21, 3) wrist, thumb to pinky, camera frame [m].
        vertices: (N, V, 3) mesh [m].
    """

    joints: Floats
    vertices: Floats


def submitted(path: Path, images: int, benchmark: str) -> Hands:
    """The hands in a file as FreiHAND's server took it.

    Args:
        path: JSON [joints of each image, vertices of each image], in the order of the images [m].
        images: of the split.
        benchmark: its name, for messages.

    Raises:
        MissingFiles: there is no such file.
        InputError: broken JSON, another number of images, joints or axes, numbers that are not
            finite, or no metres.
    """
    if path.is_dir():
        raise refusal(path, benchmark, "freihand")
    if not path.is_file():
        raise MissingFiles(
            f"{path} is missing: FreiHAND's pred.json, [joints of every image, vertices of every "
            "image] in metres."
        )
    try:
        said: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        if isinstance(error, UnicodeDecodeError) and kind_of(path) != JSON:
            raise refusal(path, benchmark, "freihand") from None
        raise InputError(f"{path} is no JSON ({error}).") from error
    if not isinstance(said, list) or len(said) != 2:
        raise InputError(f"{path} must be a list of two: joints of every image, then vertices.")
    joints = _points(said[0], f"{path}, joints", images)
    vertices = _points(said[1], f"{path}, vertices", images)
    if joints.shape[1] != JOINTS:
        raise InputError(f"{path} has {joints.shape[1]} joints a hand; FreiHAND has {JOINTS}.")
    return Hands(joints, vertices)


def _points(said: Any, where: str, images: int) -> Floats:
    """(N, P, 3) finite points in metres."""
    try:
        points = np.asarray(said, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: not as many points for every image ({error}).") from error
    if points.ndim != 3 or points.shape[2] != 3 or len(points) != images:
        raise InputError(
            f"{where} are {points.shape}, expected ({images}, points, 3): one hand for each of the "
            f"{images} images of the split, in their order."
        )
    broken = np.flatnonzero(~np.isfinite(points).all((1, 2)))
    if len(broken):
        raise InputError(f"{where}: image {broken[0]} is not finite ({len(broken)} in all).")
    far = float(np.median(np.abs(points).max((1, 2)))) if points.size else 0.0
    if far > FARTHEST:
        raise InputError(f"{where} lie {far:,.0f} m from the camera: millimetres? Expected metres.")
    return points
