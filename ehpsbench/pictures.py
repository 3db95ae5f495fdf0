"""Opening stored pictures the right way round."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ehpsbench.errors import InputError, MissingFiles

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["INVERSE", "open_picture", "orient"]

INVERSE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}  # undoes an EXIF orientation


def orient(picture: Image, orientation: int) -> Image:
    """The picture turned as EXIF `orientation` (1–8) says."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return picture.transpose(turns[orientation]) if orientation in turns else picture


def open_picture(path: Path, orientation: int = 1) -> Image:
    """The picture in a file as RGB, turned so that the labels fit.

    A JPEG's own EXIF tag is not looked at: the labels of a release refer to the stored pixels,
    and the adapter says how to turn them.

    Raises:
        MissingFiles: there is no such file.
        InputError: it is not a picture, or broken.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as stored:
            return orient(stored.convert("RGB"), orientation)
    except FileNotFoundError as error:
        raise MissingFiles(f"The image {path} is not there; is the release complete?") from error
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(f"The image {path} cannot be read: {error}.") from error
