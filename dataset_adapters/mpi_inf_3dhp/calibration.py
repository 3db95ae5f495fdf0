"""The owners' text file of cameras."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingFiles

MILLIMETRE = 1e-3


def read_calibration(path: Path, fewest: int) -> list[dict[str, NDArray[np.float64]]]:
    """Size, lens and pose of each camera by the names of the store [px, m], world → camera.

    The file has a header, then for each camera name, sensor, size, animated, intrinsic (16),
    extrinsic (16, millimetres) and radial; the last is a flag, no coefficient.

    Raises:
        MissingFiles: it is not there.
        InputError: it is no such file, or has fewer cameras; names it.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
    except FileNotFoundError as error:
        raise MissingFiles(f"{path} is not there; is the release complete?") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text ({error}); download it again.") from error
    cameras: list[dict[str, list[str]]] = []
    for line in lines:
        word, *values = line.split() or [""]
        if word == "name":
            cameras.append({})
        elif cameras:
            cameras[-1][word] = values
    try:
        found = [_camera(camera) for camera in cameras]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no calibration of MPI-INF-3DHP ({type(error).__name__}: {error}). Expected "
            "size, and 16 numbers of intrinsic and of extrinsic, for every camera."
        ) from error
    if len(found) < fewest:
        raise InputError(f"{path} has {len(found)} cameras, expected {fewest} or more.")
    return found


def _camera(camera: dict[str, list[str]]) -> dict[str, NDArray[np.float64]]:
    lens, pose = (
        np.asarray(camera[word], np.float64).reshape(4, 4) for word in ("intrinsic", "extrinsic")
    )
    return {
        "size": np.asarray(camera["size"], np.float64).reshape(2),
        "focal": lens[(0, 1), (0, 1)],
        "principal_point": lens[:2, 2],
        "world_rotation": pose[:3, :3],
        "world_translation": pose[:3, 3] * MILLIMETRE,
    }
