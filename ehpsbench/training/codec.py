"""How a crop is kept: as JPEG or as its bytes, as the recipe says."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ehpsbench.training.crops import CropSize
from ehpsbench.training.recipe import Input


def encoded(picture: NDArray[np.uint8], settings: Input) -> bytes:
    """A crop as it is kept: its bytes, or JPEG without chroma subsampling."""
    if settings.store == "raw":
        return picture.tobytes()
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=settings.quality, subsampling=0)
    return stream.getvalue()


def decoded(pictures: Sequence[memoryview], settings: Input) -> NDArray[np.uint8]:
    """(n, H, W, 3) crops from what is kept of them."""
    size = CropSize.of(settings)
    out = np.empty((len(pictures), size.height, size.width, 3), np.uint8)
    for row, picture in enumerate(pictures):
        if settings.store == "raw":
            out[row] = np.frombuffer(picture, np.uint8).reshape(out.shape[1:])
        else:
            with Image.open(io.BytesIO(picture)) as image:
                out[row] = np.asarray(image)
    return out
