"""Pinhole cameras that map the scene (x right, y down, z forward, gravity +y, metres) to pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench import geometry
from ehpsbench.errors import InputError

Floats = NDArray[np.float64]

__all__ = ["Camera", "focal_of_view", "look", "look_at", "ring"]


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """One view: x_camera = rotation · x_scene + translation, then a pinhole.

    `distortion` holds the eight coefficients of OpenCV's rational model, or None.
    """

    rotation: Floats
    translation: Floats
    focal: Floats
    principal_point: Floats
    height: int
    width: int
    distortion: Floats | None = None

    @property
    def position(self) -> Floats:
        """Where the camera is in the scene, (3,) [m]."""
        return np.asarray(-self.rotation.T @ self.translation)

    @property
    def matrix(self) -> Floats:
        """Scene → camera as a (4, 4) matrix."""
        result = np.eye(4)
        result[:3, :3], result[:3, 3] = self.rotation, self.translation
        return result

    @property
    def intrinsics(self) -> Floats:
        """The (3, 3) matrix K [px]."""
        result = np.diag([self.focal[0], self.focal[1], 1.0])
        result[:2, 2] = self.principal_point
        return result

    def to_camera(self, points: ArrayLike) -> Floats:
        """(..., 3) scene points → camera frame [m]."""
        return np.asarray(np.asarray(points, np.float64) @ self.rotation.T + self.translation)

    def to_scene(self, points: ArrayLike) -> Floats:
        """(..., 3) camera-frame points → scene [m]."""
        return np.asarray((np.asarray(points, np.float64) - self.translation) @ self.rotation)

    def pixels(self, points: ArrayLike) -> Floats:
        """(..., P, 3) camera-frame points → (..., P, 2) [px], distorted if the camera is."""
        model = None if self.distortion is None else "opencv_rational"
        return geometry.project(points, self.focal, self.principal_point, self.distortion, model)

    def scaled(self, factor: float) -> Camera:
        """The same view with `factor` times as many pixels along each side."""
        return replace(
            self,
            focal=self.focal * factor,
            principal_point=self.principal_point * factor,
            height=round(self.height * factor),
            width=round(self.width * factor),
        )

    def cropped(self, x: float, y: float, width: int, height: int) -> Camera:
        """The view through the window whose upper left corner is (x, y) [px]."""
        corner = np.array([x, y])
        return replace(
            self, principal_point=self.principal_point - corner, height=height, width=width
        )


def focal_of_view(field_of_view: float, height: int) -> float:
    """Focal length [px] that shows `field_of_view` [rad] over the `height` [px] of an image."""
    if not 0 < field_of_view < np.pi:
        raise InputError(f"A field of view lies between 0 and π rad, got {field_of_view}.")
    return float(0.5 * height / np.tan(0.5 * field_of_view))


def look(
    *,
    pitch: float = 0.0,
    yaw: float = 0.0,
    roll: float = 0.0,
    position: ArrayLike = (0.0, 0.0, 0.0),
    size: tuple[int, int] = (240, 320),
    field_of_view: float = 0.9,
    focal: ArrayLike | None = None,
    principal_point: ArrayLike | None = None,
) -> Camera:
    """A camera at `position` that looks along +z, turned.

    Args:
        pitch: down is positive [rad].
        yaw: to the right is positive [rad].
        roll: clockwise turn of the camera about its axis [rad].
        position: (3,) in the scene [m].
        size: height and width [px].
        field_of_view: over the height [rad]; unused where `focal` is given.
        focal: one or two values [px].
        principal_point: (2,) [px]; the centre by default.
    """
    height, width = size
    turn = geometry.rotate_y(yaw) @ geometry.rotate_x(-pitch) @ geometry.rotate_z(roll)
    rotation = np.ascontiguousarray(turn.T)
    length = focal_of_view(field_of_view, height) if focal is None else focal
    centre = (width / 2, height / 2) if principal_point is None else principal_point
    return Camera(
        rotation=rotation,
        translation=-rotation @ np.asarray(position, np.float64),
        focal=np.broadcast_to(np.asarray(length, np.float64), (2,)).copy(),
        principal_point=np.asarray(centre, np.float64),
        height=int(height),
        width=int(width),
    )


def look_at(
    target: ArrayLike,
    position: ArrayLike,
    *,
    roll: float = 0.0,
    size: tuple[int, int] = (240, 320),
    field_of_view: float = 0.9,
    focal: ArrayLike | None = None,
) -> Camera:
    """A camera at `position` whose axis meets `target`, both (3,) in the scene [m]."""
    x, y, z = np.asarray(target, np.float64) - np.asarray(position, np.float64)
    return look(
        pitch=float(np.arctan2(y, np.hypot(x, z))),
        yaw=float(np.arctan2(x, z)),
        roll=roll,
        position=position,
        size=size,
        field_of_view=field_of_view,
        focal=focal,
    )


def ring(
    count: int,
    *,
    target: ArrayLike = (0.0, 0.0, 4.0),
    radius: float = 4.0,
    pitch: float = 0.2,
    size: tuple[int, int] = (240, 320),
    field_of_view: float = 0.9,
) -> tuple[Camera, ...]:
    """Cameras all round `target`; the first stands on the −z side of it, on the circle's front.

    Args:
        count: how many, at equal steps.
        target: (3,) what all of them look at [m].
        radius: distance from it [m].
        pitch: all look down by this angle [rad].
        size: height and width [px].
        field_of_view: over the height [rad].
    """
    angles = 2 * np.pi * np.arange(count) / count
    level = radius * np.cos(pitch)
    offsets = np.stack(
        [
            -level * np.sin(angles),
            np.full(count, -radius * np.sin(pitch)),
            -level * np.cos(angles),
        ],
        -1,
    )
    places = np.asarray(target, np.float64) + offsets
    return tuple(look_at(target, place, size=size, field_of_view=field_of_view) for place in places)
