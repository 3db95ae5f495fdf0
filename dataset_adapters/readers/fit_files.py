"""Releases with a file a person and frame, seen by several views: which fit is in which image."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.errors import InputError

__all__ = ["COEFFICIENTS", "fitting_scale", "opencv_lens", "same_frame"]

COEFFICIENTS = 8  # of OpenCV's rational model: k1, k2, p1, p2, k3 to k6


def same_frame(images: ArrayLike, fits: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every image with every fit of its frame.

    Args:
        images: (M,) frame numbers, in any order, of any number of views.
        fits: (K,) frame numbers, of any number of people.

    Returns:
        (N,) rows of the images, ascending, and (N,) rows of the fits.
    """
    shown, fitted = np.asarray(images, np.int64), np.asarray(fits, np.int64)
    order = np.argsort(fitted, kind="stable")
    first, last = (np.searchsorted(fitted[order], shown, side) for side in ("left", "right"))
    count = last - first
    image = np.repeat(np.arange(len(shown)), count)
    start = np.cumsum(count) - count
    return image, order[first[image] + np.arange(len(image)) - start[image]]


def opencv_lens(values: ArrayLike, where: object) -> NDArray[np.float64]:
    """(8,) distortion of OpenCV's rational model; what a file has fewer of is zero.

    Args:
        values: k1, k2, p1, p2, k3, k4, k5, k6 or the first of them; more must be zero.
        where: the file, for the message.

    Raises:
        InputError: there are thin-prism or tilt terms.
    """
    bent = np.asarray(values, np.float64).reshape(-1)
    if bent[COEFFICIENTS:].any():
        raise InputError(
            f"{where}: expected up to {COEFFICIENTS} coefficients of distortion (k1, k2, p1, p2, "
            f"k3 to k6), found {len(bent)}: thin-prism and tilt terms have no place in the store. "
            "Undistort the images and set the coefficients to zero."
        )
    kept = bent[:COEFFICIENTS]
    return np.pad(kept, (0, COEFFICIENTS - len(kept)))


def fitting_scale(size: ArrayLike, principal_point: ArrayLike, scales: tuple[float, ...]) -> float:
    """That of several scales of a lens which brings its centre nearest to the middle.

    Args:
        size: (2,) width and height of the picture [px].
        principal_point: (2,) of the lens, perhaps of a picture of another size [px].
        scales: to choose from; of equals the first.
    """
    seen, centre = np.asarray(size, np.float64), np.asarray(principal_point, np.float64)
    off = [np.abs(2 * centre * scale / seen - 1).max() for scale in scales]
    return scales[int(np.argmin(off))]
