"""The owners' validity flags of ARCTIC, which lie in files made for other purposes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.read_once import read_once
from ehpsbench.restricted_pickle import load_npy

FLAGS = ("is_valid", "left_valid", "right_valid")

Flags = tuple[NDArray[np.bool_], ...]
"""One (F, 9) array for each of `FLAGS`; the views are 0 … 8."""


def flags_file(root: Path, sequence: str, split: str) -> Path | None:
    """Where the flags of a sequence can be read, the small file first; None where nowhere."""
    candidates = [root / f"processed_seqs/{sequence}.npy"]
    candidates += [root / f"splits/{protocol}_{split}.npy" for protocol in ("p1", "p2")]
    return next((path for path in candidates if path.is_file()), None)


def validity(
    root: Path, sequence: str, split: str, row: NDArray[np.int64], view: NDArray[np.int64]
) -> dict[str, NDArray[np.bool_]]:
    """Validity columns of label rows seen in views; without a file of flags all are valid.

    A hand counts only where the whole frame does. There are no betas and no expression.
    """
    path = flags_file(root, sequence, split)
    found = None if path is None else _read(path, sequence)
    every, none = np.ones(len(row), bool), np.zeros(len(row), bool)
    owner, left, right = (every,) * 3 if found is None else (f[row, view] for f in found)
    return {
        "owner_valid": owner,
        "left_hand_valid": left & owner,
        "right_hand_valid": right & owner,
        "body_valid": every,
        "camera_valid": every,
        "face_valid": none,
        "shape_valid": none,
    }


def _read(path: Path, sequence: str) -> Flags | None:
    """The flags of a sequence; None where the file does not have it."""
    if path.parent.name == "splits":
        return _flags_of_split(path).get(sequence)
    return _flags(load_npy(path))


@read_once(1)
def _flags_of_split(path: Path) -> dict[str, Flags]:
    """Flags of all sequences of a split: its file is read once, and only they are kept."""
    found = {name: _flags(data) for name, data in load_npy(path)["data_dict"].items()}
    return {name: values for name, values in found.items() if values is not None}


def _flags(data: dict[str, dict[str, NDArray[np.float64]]]) -> Flags | None:
    camera = data.get("cam_coord", {})
    if not all(name in camera for name in FLAGS):
        return None
    return tuple(np.asarray(camera[name]) > 0 for name in FLAGS)
