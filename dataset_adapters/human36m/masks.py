"""Human3.6M's boxes: the extent of the masks in MySegmentsMat/."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.readers.hdf5 import opened_hdf5

__all__ = ["mask_boxes", "mask_file"]

FOLDERS = ("ground_truth_bb", "ground_truth_bs")  # boxes; silhouettes, whose extent is read too


def mask_file(folder: Path, name: str) -> Path | None:
    """The masks of a view (action.camera) of a subject; None where nowhere."""
    places = (folder / "MySegmentsMat" / part / f"{name}.mat" for part in FOLDERS)
    return next((path for path in places if path.is_file()), None)


def mask_boxes(path: Path, frames: NDArray[np.int64]) -> NDArray[np.float64]:
    """(F, 4) x, y, w, h [px] of frames of a video; zeros where a mask is empty or not there.

    Raises:
        InputError: the file is broken.
    """
    boxes = np.zeros((len(frames), 4))
    with opened_hdf5(path, "Masks, references to a picture a frame") as file:
        masks = np.asarray(file["Masks"]).reshape(-1)
        for row, frame in enumerate(frames.tolist()):
            if frame < len(masks):
                mask = np.asarray(file[masks[frame]]).T == 1  # MATLAB stores columns
                across, down = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
                if len(across):
                    low = across[0], down[0]
                    boxes[row] = (*low, across[-1] + 1 - low[0], down[-1] + 1 - low[1])
    return boxes
