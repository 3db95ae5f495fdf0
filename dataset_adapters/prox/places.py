"""How PROX's frames hang together: camera → scan of the room, and Vicon → scan."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.errors import InputError, MissingFiles

__all__ = ["VICON", "from_vicon", "room"]

Floats = NDArray[np.float64]
VICON = "vicon2scene.json"


def room(files: Iterable[Path]) -> dict[str, Floats]:
    """Scan → camera, from the owners' camera → scan; nothing where the file is not there."""
    for path in files:
        if path.parent.name == "cam2world":
            back = _matrix(path)
            turn = back[:3, :3].T
            return {"world_rotation": turn, "world_translation": -turn @ back[:3, 3]}
    return {}


def from_vicon(files: Iterable[Path], count: int) -> dict[str, Floats]:
    """Vicon → camera as columns of `count` people.

    Raises:
        MissingFiles: one of the two files on the way is not there.
    """
    paths = tuple(files)
    found = {path.name: path for path in paths if path.name == VICON}
    seen = room(paths)
    if not found or not seen:
        raise MissingFiles(
            f"{paths[0]} is in the frame of the markers: {VICON} and cam2world/vicon.json of the "
            "quantitative part are needed, which lead to the camera. Unpack the whole part."
        )
    scene = _matrix(found[VICON])
    turn = seen["world_rotation"]
    shift = turn @ scene[:3, 3] + seen["world_translation"]
    return {
        "world_rotation": np.tile((turn @ scene[:3, :3]).reshape(9), (count, 1)),
        "world_translation": np.tile(shift, (count, 1)),
    }


def _matrix(path: Path) -> Floats:
    try:
        return np.asarray(read_json(path), np.float64).reshape(4, 4)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: expected a 4×4 matrix ({error}).") from error
