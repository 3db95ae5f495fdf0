"""Values of PNG files with all their bits; Pillow by itself keeps the upper 8 of 16-bit colours."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from ehpsbench.errors import InputError

Array = NDArray[Any]
MODES = ("1", "L", "P", "I", "I;16", "I;16B", "RGB", "RGBA")
UPPER, LOWER = ";16B", ";16L"  # which byte of big-endian values Pillow takes, so called


def read_png(path: Path) -> Array:
    """The stored values (H, W), or (H, W, 3) without the opacity, 8 or 16 bits each.

    Raises:
        InputError: the file is broken, or has opacity beside one grey value.
    """
    content = path.read_bytes()
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as stored:
            coding = _coding(stored)
            if stored.mode not in MODES or coding.startswith("LA"):
                raise InputError(
                    f"The map {path} is a PNG of mode {coding or stored.mode}; expected grey, a "
                    "palette, RGB or RGBA of 8 or 16 bits."
                )
            values = np.asarray(stored)
        if coding.endswith(UPPER) and values.ndim == 3:
            lower = coding.removesuffix(UPPER) + LOWER
            values = values.astype(np.uint16) << 8 | _decoded_as(lower, content)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise InputError(f"The map {path} cannot be read: {error}.") from error
    values = values[..., :3] if values.ndim == 3 else values
    return values.astype(values.dtype.newbyteorder("="))


def _coding(stored: ImageFile) -> str:
    """How the samples of a picture lie in the file, as Pillow calls it: `RGB;16B`."""
    return next((str(tile.args) for tile in stored.tile), "")


def _decoded_as(coding: str, content: bytes) -> Array:
    """(H, W, C) the same picture, its samples read another way."""
    with Image.open(io.BytesIO(content), formats=["PNG"]) as stored:
        stored.tile = [tile._replace(args=coding) for tile in stored.tile]
        return np.asarray(stored)
