"""One sequence file of 3DPW as arrays, and the images that belong to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load

Floats = NDArray[np.float64]
BETAS = 10  # of 300 that some files have
GENDERS = {"m": "male", "f": "female"}
SHAPES: dict[str, tuple[int, ...]] = {  # of one row of one actor
    "poses": (72,),
    "trans": (3,),
    "poses2d": (3, 18),
    "jointPositions": (24, 3),
    "campose_valid": (),
}


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """A actors over N frames, in a world frame [m, rad].

    Attributes:
        gender: (A,) male or female.
        betas: (A, 10) shape on the SMPL of that gender.
        rows: by key of `SHAPES`, (A, N, …).
        camera: (N, 4, 4) world → camera.
        intrinsics: (3, 3) [px].
    """

    gender: NDArray[Any]
    betas: Floats
    rows: dict[str, Floats]
    camera: Floats
    intrinsics: Floats

    def __len__(self) -> int:
        return len(self.camera)


def read_labels(path: Path) -> Sequence:
    """The labels of a sequence; lists that differ in length are cut to the shortest.

    Raises:
        InputError: a key is missing, or its values have another shape.
    """
    raw: Any = load(path, encoding="latin1")
    try:
        camera = np.asarray(raw["cam_poses"], np.float64).reshape(-1, 4, 4)
        each = {
            key: [np.asarray(v, np.float64).reshape(-1, *shape) for v in raw[key]]
            for key, shape in SHAPES.items()
        }
        count = min(len(camera), *(len(v) for actors in each.values() for v in actors))
        return Sequence(
            gender=np.array([GENDERS[str(g)] for g in raw["genders"]], object),
            betas=np.stack([np.ravel(b)[:BETAS] for b in raw["betas"]]).astype(np.float64),
            rows={key: np.stack([v[:count] for v in actors]) for key, actors in each.items()},
            camera=camera[:count],
            intrinsics=np.asarray(raw["cam_intrinsics"], np.float64).reshape(3, 3),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} is not a 3DPW sequence file ({type(error).__name__}: {error}). Expected a "
            f"dict with {', '.join([*SHAPES, 'betas, genders, cam_poses, cam_intrinsics'])}."
        ) from error


def pictures(folder: Path, labels: Sequence) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frame numbers (M,) and sizes (M, 2) width, height [px] of the images in a folder.

    Without images there is one a row, as large as the camera's centre says.
    """
    named = ((re.fullmatch(r"image_(\d+)\.jpg", p.name), p) for p in folder.glob("image_*.jpg"))
    found = sorted((int(match[1]), path) for match, path in named if match)
    if not found:
        centred = np.rint(2 * labels.intrinsics[:2, 2]).astype(np.int64)
        return np.arange(len(labels)), np.tile(centred, (len(labels), 1))
    from PIL import Image

    sizes = []
    for _, path in found:  # some are portrait: only the file knows
        with Image.open(path) as picture:
            sizes.append(picture.size)
    return np.array([number for number, _ in found], np.int64), np.array(sizes, np.int64)
