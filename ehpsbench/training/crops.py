"""Person crops, cut once and kept on disk: a frame is decoded once, not once an epoch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ehpsbench.atomic import digest, replacing
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.schema import present
from ehpsbench.training.recipe import Input
from ehpsbench.training.views import Views, views

CUT_VERSION = 1  # raise when the pixels of a crop change
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CropSize:
    """The cached crop: the network's input with a rim for augmentation at the same scale."""

    height: int
    width: int
    margin: tuple[float, float]

    @classmethod
    def of(cls, settings: Input) -> CropSize:
        """The size for a recipe's input, rounded up to even pixels."""
        width, height = (
            2 * int(np.ceil(side * settings.margin / 2))
            for side in (settings.width, settings.height)
        )
        return cls(height, width, (width / settings.width, height / settings.height))


def crops(
    columns: Mapping[str, NDArray[Any]],
    root: Path,
    cache: Path,
    settings: Input,
    *,
    progress: Progress | None = None,
) -> NDArray[np.uint8]:
    """Crops of rows of the store, from the cache when the same rows were cut before.

    Args:
        columns: `instance_id`, `dataset`, `image_path`, `orientation`, `width`, `height`, `bbox`.
        root: the release root that `image_path` is relative to.
        cache: folder of the cache files.
        settings: the recipe's input.
        progress: called with (images done, images in all).

    Returns:
        (N, H, W, 3) memory-mapped RGB; what lies outside the image is black.
    """
    size = CropSize.of(settings)
    name = str(columns["dataset"][0]) if len(columns["dataset"]) else "empty"
    path = cache / f"{name}-{_key(columns, root, size, settings.padding)}.npy"
    if not path.is_file():
        with replacing(path) as temporary:
            _cut_all(columns, root, temporary, settings, progress)
    found: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return found


def _key(columns: Mapping[str, NDArray[Any]], root: Path, size: CropSize, padding: float) -> str:
    named = ("instance_id", "image_path", "orientation", "width", "height", "bbox")
    rows = {k: np.ma.filled(columns[k], 1).tolist() for k in named if k in columns}
    stamps = [_stamp(root / p) for p in dict.fromkeys(columns["image_path"].tolist())]
    return digest([CUT_VERSION, size.height, size.width, padding, rows, stamps])[:20]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise MissingFiles(
            f"The image {path} is not there. Training reads the images of the release: put it "
            "back, or ingest the release again from where it lies now."
        ) from error
    return found.st_size, found.st_mtime_ns


def _cut_all(
    columns: Mapping[str, NDArray[Any]],
    root: Path,
    path: Path,
    settings: Input,
    progress: Progress | None,
) -> None:
    """Write all crops into the .npy file `path`, each image decoded once for all its people."""
    size = CropSize.of(settings)
    count = len(columns["image_path"])
    where = views(columns, settings.width / settings.height, settings.padding)
    shape = (count, size.height, size.width, 3)
    out = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    of_image: dict[str, list[int]] = {}
    for row, image in enumerate(columns["image_path"].tolist()):
        of_image.setdefault(image, []).append(row)
    codes = orientations(columns)

    def cut_image(item: tuple[str, list[int]]) -> None:
        image = oriented(root / item[0], int(codes[item[1][0]]))
        _check_size(image, columns, item[1][0], root / item[0])
        for row in item[1]:
            out[row] = cut(image, where, row, size)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for done, _ in enumerate(pool.map(cut_image, of_image.items()), 1):
            if progress is not None:
                progress(done, len(of_image))
    out.flush()


def orientations(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """(N,) EXIF codes; null is 1."""
    codes = columns.get("orientation")
    if codes is None:
        return np.ones(len(columns["image_path"]), np.int64)
    return np.where(present(codes), np.ma.getdata(codes), 1).astype(np.int64)


def oriented(path: Path, orientation: int) -> Image.Image:
    """The image as RGB, turned by the row's EXIF code (not by what the file itself may say)."""
    try:
        with Image.open(path) as image:
            colour = image.convert("RGB")
    except (OSError, SyntaxError) as error:
        raise InputError(f"The image {path} cannot be decoded: {error}.") from error
    turn = _TRANSPOSE.get(orientation)
    return colour if turn is None else colour.transpose(turn)


def _check_size(
    image: Image.Image, columns: Mapping[str, NDArray[Any]], row: int, path: Path
) -> None:
    expected = (int(columns["width"][row]), int(columns["height"][row]))
    if image.size != expected:
        raise InputError(
            f"The image {path} is {image.size[0]}×{image.size[1]} after orientation, its labels "
            f"are for {expected[0]}×{expected[1]}. Ingest this layout of the release again."
        )


def cut(image: Image.Image, where: Views, row: int, size: CropSize) -> NDArray[np.uint8]:
    """(H, W, 3) crop with its rim; averaged over the area of each pixel when it shrinks."""
    half = where.half[row] * size.margin
    low = where.centre[row] - half
    step = 2 * half / (size.width, size.height)
    # Whole crop pixels that lie inside the image, so that the geometry stays exact.
    first = np.maximum(np.ceil(-low / step - 1e-6), 0).astype(int)
    last = np.floor((np.asarray(image.size) - low) / step + 1e-6).astype(int)
    last = np.minimum(last, (size.width, size.height))
    out = np.zeros((size.height, size.width, 3), np.uint8)
    if (last > first).all():
        corners = np.concatenate([low + first * step, low + last * step])
        box = np.clip(corners, 0, np.tile(image.size, 2))
        piece = image.resize(
            (int(last[0] - first[0]), int(last[1] - first[1])),
            Image.Resampling.BILINEAR,
            box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
        )
        out[first[1] : last[1], first[0] : last[0]] = np.asarray(piece)
    return out
