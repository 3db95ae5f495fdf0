"""LSPET's joints.mat: 14 keypoints of every image, for people whom EFT did not fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.images import header_sizes, image_columns
from ehpsbench.dataset_adapters.parameters import validity
from ehpsbench.dataset_adapters.readers.eft import eft_images
from ehpsbench.dataset_adapters.readers.fit_lists import Place, last_number
from ehpsbench.dataset_adapters.readers.matlab import load_mat
from ehpsbench.dataset_adapters.release import Unit
from ehpsbench.errors import InputError
from ehpsbench.geometry import box_around, clip_box
from ehpsbench.schema import Instances, nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import LSP_14

__all__ = ["labelled_people"]

Floats = NDArray[np.float64]


def labelled_people(unit: Unit, place: Callable[[str], Place]) -> Instances:
    """The people of the images on disk that no file of EFT names: keypoints, no body.

    Args:
        unit: its first file is joints.mat, the others are EFT's files.
        place: name of an image → where it is.

    Raises:
        InputError: a file is broken.
    """
    points = _joints(unit)
    fitted = {last_number(str(name)) for path in unit.files[1:] for name in eft_images(path)}
    number = np.asarray([n for n in range(1, len(points) + 1) if n not in fitted], np.int64)
    places = [place(f"im{n:05d}.png") for n in number]
    there = np.asarray([(unit.release.root / p.path).is_file() for p in places], bool)
    kept = np.flatnonzero(there)
    paths = [places[row].path for row in kept]
    images = image_columns(
        unit,
        paths,
        header_sizes(unit.release.root, paths),
        split=unit.key["split"],
        sequence=[places[row].sequence for row in kept],
        frame=number[kept],
        source_row=number[kept] - 1,
    )
    columns = person_identity(images, np.arange(len(kept)), np.zeros(len(kept), np.int64))
    own = points[number[kept] - 1]
    columns |= validity(len(kept), ()) | keypoint_columns(2, (own, LSP_14))
    columns["bbox"] = _boxes(own, np.stack([images["width"], images["height"]], -1))
    columns["source_row"] = images["source_row"]
    return Instances(columns, images)


def _joints(unit: Unit) -> Floats:
    """(N, 14, 3) x, y, score [px]; the places of joints that are not visible are no labels."""
    path = unit.files[0]
    stored = np.asarray(load_mat(path, "joints")["joints"], np.float64)
    if stored.ndim != 3 or stored.shape[:2] != (len(LSP_14), 3):
        raise InputError(
            f"{path}: joints are {stored.shape}, expected (14, 3, images): x, y, visible. Is it "
            "LSP's file, or another edition's?"
        )
    points = stored.transpose(2, 0, 1).copy()
    points[..., 2] = points[..., 2] > 0
    return np.where(points[..., 2:] > 0, points, 0.0)


def _boxes(points: Floats, size: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N, 4) around the visible keypoints; null where fewer than two are."""
    seen = points[..., 2:] > 0
    boxes = clip_box(box_around(np.where(seen, points[..., :2], np.nan)), size[:, 0], size[:, 1])
    return nullable(np.nan_to_num(boxes), seen[..., 0].sum(1) > 1)
