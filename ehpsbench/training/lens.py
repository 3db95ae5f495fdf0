"""The lens of each row: where a distorted image shows what a pinhole would show elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.geometry import box_around, project
from ehpsbench.schema import present

Floats = NDArray[np.float64]
MODEL = "opencv_rational"
_STEPS = 25  # of Newton; two or three do near the middle, the rim of a wide lens needs more
_CLOSE = 1e-3  # px


@dataclass(frozen=True, slots=True)
class Lens:
    """Cameras of N rows.

    Attributes:
        focal: (N, 2) [px], guessed where it is null.
        principal: (N, 2) [px], guessed where it is null.
        distortion: (N, 8) coefficients; zeros for a pinhole.
        bent: (N,) rows with a distortion to undo: it is given, and so is the focal length.
        model: the distortion model of those rows.
    """

    focal: Floats
    principal: Floats
    distortion: Floats
    bent: NDArray[np.bool_]
    model: str = MODEL

    @classmethod
    def of(cls, columns: Mapping[str, NDArray[Any]]) -> Lens:
        """The lenses of rows of the store."""
        focal, principal = intrinsics(columns)
        count = len(focal)
        values, models = columns.get("distortion"), columns.get("distortion_model")
        if values is None or models is None or columns.get("focal") is None:
            return cls(focal, principal, np.zeros((count, 8)), np.zeros(count, bool))
        names = [model or None for model in np.ma.filled(models, None).tolist()]
        bent = np.array([name is not None for name in names], bool)
        bent &= present(values) & present(columns["focal"])
        filled = np.where(bent[:, None], np.ma.getdata(values), 0.0)
        # A model that is not known is refused where it is used, by its name.
        other = {n for n, b in zip(names, bent, strict=True) if b and n != MODEL}
        return cls(focal, principal, filled, bent, min(map(str, other), default=MODEL))

    def row(self, row: int) -> Lens:
        """The lens of one row."""
        here = slice(row, row + 1)
        return Lens(
            focal=self.focal[here],
            principal=self.principal[here],
            distortion=self.distortion[here],
            bent=self.bent[here],
            model=self.model,
        )

    def image(self, pixels: Floats) -> Floats:
        """Pixels (N, P, 2) of a pinhole → of the image; NaN past what the lens shows."""
        out = np.array(pixels, np.float64)
        if self.bent.any():
            plane = self._plane(out[self.bent])
            out[self.bent] = self._bend(plane)
        return out

    def pinhole(self, pixels: ArrayLike) -> Floats:
        """Pixels (N, P, 2) of the image → of a pinhole; NaN where the lens cannot have seen it."""
        out = np.array(pixels, np.float64)
        if not self.bent.any():
            return out
        wanted = out[self.bent]
        plane = self._plane(wanted)
        for _ in range(_STEPS):
            plane = plane + self._step(plane, wanted)
        focal, principal = self.focal[self.bent, None], self.principal[self.bent, None]
        with np.errstate(invalid="ignore"):
            close = np.abs(self._bend(plane) - wanted).max(-1, keepdims=True) < _CLOSE
        out[self.bent] = np.where(close, plane * focal + principal, np.nan)
        return out

    def _plane(self, pixels: Floats) -> Floats:
        """Pixels of the bent rows on the plane at depth 1, as a pinhole sees them."""
        return np.asarray((pixels - self.principal[self.bent, None]) / self.focal[self.bent, None])

    def _bend(self, plane: Floats) -> Floats:
        points = np.concatenate([plane, np.ones_like(plane[..., :1])], -1)
        camera = self.focal[self.bent], self.principal[self.bent]
        return project(points, *camera, self.distortion[self.bent], self.model)

    def _step(self, plane: Floats, wanted: Floats) -> Floats:
        """One step of Newton; nothing where it would leave the lens."""
        here, small = self._bend(plane), 1e-6
        across = (self._bend(plane + np.array([small, 0])) - here) / small
        down = (self._bend(plane + np.array([0, small])) - here) / small
        off = wanted - here
        with np.errstate(divide="ignore", invalid="ignore"):
            area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
            x = (off[..., 0] * down[..., 1] - off[..., 1] * down[..., 0]) / area
            y = (across[..., 0] * off[..., 1] - across[..., 1] * off[..., 0]) / area
            step = np.stack([x, y], -1)
            inside = np.isfinite(self._bend(plane + step)).all(-1, keepdims=True)
        return np.where(inside, step, np.where(np.isfinite(step), step / 4, 0.0))


def pinhole(columns: Mapping[str, NDArray[Any]], pixels: ArrayLike) -> Floats:
    """Pixels (N, P, 2) of rows of the store as a pinhole with their focal length would show them.

    Rows without distortion stay as they are; NaN where the lens cannot have seen a pixel.
    """
    return Lens.of(columns).pinhole(pixels)


def pinhole_boxes(lens: Lens, boxes: Floats) -> Floats:
    """Boxes (N, 4) x, y, w, h around what boxes of the image hold, as a pinhole shows it."""
    if not lens.bent.any():
        return boxes
    side = np.linspace(0, 1, 9)
    low, high = np.zeros(9), np.ones(9)
    rim = np.stack([np.r_[side, side, low, high], np.r_[low, high, side, side]], 1)
    found = box_around(lens.pinhole(boxes[:, None, :2] + rim * boxes[:, None, 2:]))
    usable = lens.bent & np.isfinite(found).all(1)
    return np.where(usable[:, None], found, boxes)


def intrinsics(columns: Mapping[str, NDArray[Any]]) -> tuple[Floats, Floats]:
    """Focal lengths (N, 2) and principal points (N, 2) [px], guessed where they are null."""
    size = np.stack([columns["width"], columns["height"]], 1).astype(np.float64)
    diagonal = np.repeat(np.linalg.norm(size, axis=1, keepdims=True), 2, axis=1)
    return (
        _known_or(columns.get("focal"), diagonal),
        _known_or(columns.get("principal_point"), size / 2),
    )


def _known_or(values: NDArray[Any] | None, guess: Floats) -> Floats:
    if values is None:
        return guess
    here = present(values)[:, None]
    return np.where(here, np.ma.getdata(values), guess).astype(np.float64)
