"""Which points the camera of a row sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ehpsbench.geometry import project
from ehpsbench.schema import Columns, present


def inside_image(points: NDArray[np.float64], columns: Columns) -> NDArray[np.bool_]:
    """(B, P) True where the row's own camera sees a point strictly inside the image.

    Args:
        points: (B, P, 3) camera frame [m].
        columns: focal, principal_point, distortion, width and height of each row.
    """
    if not {"focal", "principal_point"} <= set(columns):  # nobody here has a camera
        return np.zeros(points.shape[:2], bool)
    focal, centre = np.ma.getdata(columns["focal"]), np.ma.getdata(columns["principal_point"])
    pixels = project(points, focal, centre)
    if "distortion" in columns and (bent := present(columns["distortion"])).any():
        coefficients = np.ma.getdata(columns["distortion"])[bent]
        model = "opencv_rational"
        pixels[bent] = project(points[bent], focal[bent], centre[bent], coefficients, model)
    size = np.stack([columns["width"], columns["height"]], -1)[:, None, :]
    with np.errstate(invalid="ignore"):
        inside = ((pixels > 0) & (pixels < size)).all(-1)
    return np.asarray(inside & (points[..., 2] > 0))
