"""Where a person crop lies in its image, and the virtual camera that looks along it.

A crop says nothing of where in the image it was cut, so a network cannot know a rotation in the
image's camera frame from it. Targets therefore live in a *view*: the camera turned about its
centre until its axis meets the middle of the box. Predictions are turned back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.training.lens import Lens, pinhole_boxes

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Views:
    """Crops of N people; "crop" coordinates have the edges of the crop at ±1, y down.

    Attributes:
        centre: (N, 2) of the crop in the upright image, without its distortion [px].
        half: (N, 2) half its width and height there [px].
        rotation: (N, 3, 3) camera → view.
        camera: (N, 3, 3) view [m] → homogeneous crop coordinates, exact for a pinhole.
        tangent: (N,) half the crop's height over its distance, at the middle.
    """

    centre: Floats
    half: Floats
    rotation: Floats
    camera: Floats
    tangent: Floats


def views(columns: Mapping[str, NDArray[Any]], aspect: float, padding: float) -> Views:
    """The views of rows of the store.

    Args:
        columns: `bbox`, `width`, `height`, and `focal`, `principal_point` where known. Without a
            focal length the image's diagonal is taken, without a principal point its centre. Where
            `distortion` is known, the view is of the image as a pinhole would have taken it.
        aspect: width / height of the crop.
        padding: tight box → crop.
    """
    lens = Lens.of(columns)
    box = pinhole_boxes(lens, np.asarray(columns["bbox"], np.float64))
    centre = box[:, :2] + box[:, 2:] / 2
    half_height = np.maximum(box[:, 3], box[:, 2] / aspect) * padding / 2
    half = np.maximum(np.stack([half_height * aspect, half_height], 1), 1e-3)
    focal, principal = lens.focal, lens.principal
    ray = np.concatenate([(centre - principal) / focal, np.ones((len(box), 1))], 1)
    rotation = _turn_to_axis(ray)
    camera = _crop_matrix(centre, half) @ _intrinsic_matrix(focal, principal)
    # Off the axis the image is stretched by |ray| along the circle and |ray|² along the radius.
    pixels_per_tangent = focal.mean(1) * np.linalg.norm(ray, axis=1) ** 1.5
    return Views(
        centre=centre,
        half=half,
        rotation=rotation,
        camera=camera @ rotation.swapaxes(1, 2),
        tangent=half[:, 1] / pixels_per_tangent,
    )


def _turn_to_axis(ray: Floats) -> Floats:
    """(N, 3, 3) shortest rotations that take each ray to the z axis."""
    x, y, z = np.moveaxis(ray / np.linalg.norm(ray, axis=1, keepdims=True), 1, 0)
    k = 1 / (1 + z)
    rows = [[1 - k * x * x, -k * x * y, -x], [-k * x * y, 1 - k * y * y, -y], [x, y, z]]
    return np.moveaxis(np.asarray(rows), 2, 0)


def _crop_matrix(centre: Floats, half: Floats) -> Floats:
    matrix = np.zeros((len(centre), 3, 3))
    matrix[:, [0, 1], [0, 1]] = 1 / half
    matrix[:, :2, 2] = -centre / half
    matrix[:, 2, 2] = 1
    return matrix


def _intrinsic_matrix(focal: Floats, principal: Floats) -> Floats:
    matrix = np.zeros((len(focal), 3, 3))
    matrix[:, [0, 1], [0, 1]] = focal
    matrix[:, :2, 2] = principal
    matrix[:, 2, 2] = 1
    return matrix
