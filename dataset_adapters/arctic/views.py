"""The nine views of an ARCTIC sequence: their frames on disk, and their cameras."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npy
from ehpsbench.schema import nullable

EGO, VIEWS = 0, 9
DROPPED = 10  # frames at either end, which may be black
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Frames:
    """The images of a sequence.

    Attributes:
        view: (M,) 0 … 8.
        stem: (M,) number in the file name.
        row: (M,) row of the labels, from 0; may lie outside them.
        labelled: (M,) whether there is ground truth, and the owners use it.
    """

    view: Ints
    stem: Ints
    row: Ints
    labelled: NDArray[np.bool_]


def frames(folder: Path, offset: int, labels: int) -> Frames:
    """The images in `folder`, view by view; where there are none, all that are labelled.

    Args:
        folder: images/<subject>/<sequence>.
        offset: the subject's ioi_offset: row = stem − offset.
        labels: number of label rows, 0 where they are withheld.
    """
    found = [(view, stem) for view in range(VIEWS) for stem in _stems(folder / str(view))]
    if found:
        view, stem = np.array(found, np.int64).reshape(-1, 2).T
    else:
        every = np.arange(max(DROPPED, offset), min(labels - DROPPED, labels + offset))
        view, stem = np.repeat(np.arange(VIEWS), len(every)), np.tile(every, VIEWS)
    row = stem - offset
    kept = (stem >= DROPPED) & (stem < labels - DROPPED)
    return Frames(view, stem, row, kept & (row >= 0) & (row < labels))


def _stems(folder: Path) -> list[int]:
    """Sorted numbers of the jpg files in a folder; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(int(path.stem) for path in folder.iterdir() if path.suffix == ".jpg")


def cameras(subject: dict[str, Any], ego_file: Path, of: Frames) -> dict[str, NDArray[Any]]:
    """Camera columns of images; the egocentric view is null where its camera is not known.

    Args:
        subject: the subject's entry in misc.json.
        ego_file: <sequence>.egocam.dist.npy, which is withheld with the test labels.
        of: the images.
    """
    intrinsics = np.zeros((VIEWS, 3, 3))
    intrinsics[1:] = subject["intris_mat"]  # static view v is entry v − 1
    outward = np.tile(np.eye(4), (len(of.view), 1, 1))
    static = of.view != EGO
    outward[static] = np.array(subject["world2cam"], np.float64)[of.view[static] - 1]
    posed, lens = static.copy(), static
    distortion = np.zeros(8)
    if ego_file.is_file():
        ego = load_npy(ego_file)
        rotation, translation = ego["R_k_cam_np"], np.reshape(ego["T_k_cam_np"], (-1, 3))
        worn = ~static & (of.row >= 0) & (of.row < len(rotation))
        outward[worn, :3, :3], outward[worn, :3, 3] = (
            rotation[of.row[worn]],
            translation[of.row[worn]],
        )
        intrinsics[EGO], distortion = ego["intrinsics"], np.reshape(ego["dist8"], 8)
        posed, lens = static | worn, np.ones_like(static)
    size = np.array(subject["image_size"], np.int64)  # width, height
    if size.shape != (VIEWS, 2):
        raise InputError(
            f"meta/misc.json: expected 9 image sizes (width, height), got {size.shape}."
        )
    own = intrinsics[of.view]
    bent = lens & ~static
    return {
        "width": size[of.view, 0],
        "height": size[of.view, 1],
        "focal": nullable(own[:, (0, 1), (0, 1)], lens),
        "principal_point": nullable(own[:, :2, 2], lens),
        "distortion": nullable(np.tile(distortion, (len(of.view), 1)), bent),
        "world_rotation": nullable(outward[:, :3, :3].reshape(-1, 9), posed),
        "world_translation": nullable(outward[:, :3, 3], posed),
    }
