"""One person cut out of an upright image: antialiased, and without the lens's distortion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ehpsbench.errors import InputError
from ehpsbench.schema import present
from ehpsbench.training.lens import Lens
from ehpsbench.training.recipe import Input
from ehpsbench.training.views import Views

_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Floats = NDArray[np.float64]


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


def checked_size(
    image: Image.Image, columns: Mapping[str, NDArray[Any]], row: int, path: Path
) -> None:
    """Nothing, when the upright image has the size that the row's labels are for.

    Raises:
        InputError: it has another.
    """
    expected = (int(columns["width"][row]), int(columns["height"][row]))
    if image.size != expected:
        raise InputError(
            f"The image {path} is {image.size[0]}×{image.size[1]} after orientation, its labels "
            f"are for {expected[0]}×{expected[1]}. Ingest this layout of the release again."
        )


def cut(
    image: Image.Image, where: Views, row: int, size: CropSize, lens: Lens | None = None
) -> NDArray[np.uint8]:
    """(H, W, 3) crop with its rim; averaged over the area of each pixel when it shrinks.

    Args:
        image: upright.
        where: views of rows.
        row: which of them.
        size: of the crop.
        lens: of the same rows; a bent one is undone.
    """
    half = where.half[row] * size.margin
    low = where.centre[row] - half
    step = 2 * half / (size.width, size.height)
    if lens is not None and lens.bent[row]:
        return _unbent(image, low, step, size, lens.row(row))
    # Whole crop pixels that lie inside the image, so that the geometry stays exact.
    first = np.maximum(np.ceil(-low / step - 1e-6), 0).astype(int)
    last = np.floor((np.asarray(image.size) - low) / step + 1e-6).astype(int)
    last = np.minimum(last, (size.width, size.height))
    out = np.zeros((size.height, size.width, 3), np.uint8)
    if (last > first).all():
        shape = (int(last[0] - first[0]), int(last[1] - first[1]))
        piece = _resized(image, low + first * step, low + last * step, shape)
        out[first[1] : last[1], first[0] : last[0]] = piece
    return out


def _resized(
    image: Image.Image, low: Floats, high: Floats, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """(h, w, 3) the box from `low` to `high` [px] at `shape` (w, h), averaged when it shrinks."""
    box = np.clip(np.concatenate([low, high]), 0, np.tile(image.size, 2)).tolist()
    small = image.resize(shape, Image.Resampling.BILINEAR, box=(box[0], box[1], box[2], box[3]))
    return np.asarray(small)


def _unbent(
    image: Image.Image, low: Floats, step: Floats, size: CropSize, lens: Lens
) -> NDArray[np.uint8]:
    """(H, W, 3) crop of the image that a pinhole would have taken; black where the lens ends."""
    y, x = np.mgrid[: size.height, : size.width] + 0.5
    grid = lens.image((low + np.stack([x, y], -1).reshape(-1, 2) * step)[None])[0]
    seen = ((grid >= 0) & (grid <= image.size)).all(1)
    out = np.zeros((size.height * size.width, 3), np.uint8)
    if seen.any():
        first, last = np.floor(grid[seen].min(0)), np.ceil(grid[seen].max(0))
        first, last = np.maximum(first - 1, 0), np.minimum(last + 1, image.size)
        # Shrink first, by as much as the middle of the crop shrinks, so that pixels are averaged.
        places = np.where(seen[:, None], grid, np.nan).reshape(size.height, size.width, 2)
        spacing = [np.nanmedian(np.abs(np.diff(places[..., a], axis=1 - a))) for a in (0, 1)]
        shape = np.ceil((last - first) / np.maximum(np.nan_to_num(spacing, nan=1), 1)).astype(int)
        piece = _resized(image, first, last, (int(shape[0]), int(shape[1])))
        out[seen] = _between(piece, (grid[seen] - first) / (last - first) * shape - 0.5)
    return out.reshape(size.height, size.width, 3)


def _between(image: NDArray[np.uint8], places: Floats) -> NDArray[np.uint8]:
    """(P, 3) colours at places (P, 2) x, y between the middles of an image's pixels."""
    limit = np.array([image.shape[1], image.shape[0]]) - 1
    places = np.clip(places, 0, limit)
    low = np.minimum(places.astype(int), np.maximum(limit - 1, 0))
    share, high = places - low, np.minimum(low + 1, limit)
    corners = (
        (low[:, 0], low[:, 1], (1 - share[:, 0]) * (1 - share[:, 1])),
        (high[:, 0], low[:, 1], share[:, 0] * (1 - share[:, 1])),
        (low[:, 0], high[:, 1], (1 - share[:, 0]) * share[:, 1]),
        (high[:, 0], high[:, 1], share[:, 0] * share[:, 1]),
    )
    mixed = sum(image[y, x] * weight[:, None] for x, y, weight in corners)
    return np.asarray(np.rint(mixed), np.uint8)
