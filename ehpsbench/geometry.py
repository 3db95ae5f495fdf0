"""Rotations, cameras, boxes and image orientation; NumPy, float64, batched over leading axes.

Camera frame everywhere: OpenCV (x right, y down, z forward), metres; pixels are continuous, with
(0, 0) at the outer corner of the first pixel, so that a principal point of width / 2 is the centre.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.errors import InputError

Floats = NDArray[np.float64]

__all__ = [
    "axis_angle",
    "body_to_camera",
    "box_around",
    "canonical",
    "clip_box",
    "compose",
    "lens_radius",
    "orient_pixels",
    "orient_size",
    "project",
    "rotate_x",
    "rotate_y",
    "rotate_z",
    "rotation_matrix",
]


def rotation_matrix(rotation_vector: ArrayLike) -> Floats:
    """Rodrigues: (..., 3) axis-angle [rad] → (..., 3, 3) matrices."""
    vector = np.asarray(rotation_vector, np.float64)
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(vector, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)
    # sin(a)/a and (1−cos a)/a² through sinc, which is exact at zero
    first = np.sinc(angle / np.pi)
    second = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    return np.asarray(np.eye(3) + first * cross + second * (cross @ cross))


def axis_angle(matrix: ArrayLike) -> Floats:
    """Logarithm: (..., 3, 3) rotation matrices → (..., 3) axis-angle [rad], angle ≤ π.

    By way of the quaternion with the largest pivot, which stays accurate near 0 and near π.
    """
    m = np.asarray(matrix, np.float64)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    yz, zx, xy = m[..., 2, 1], m[..., 0, 2], m[..., 1, 0]
    zy, xz, yx = m[..., 1, 2], m[..., 2, 0], m[..., 0, 1]
    rows = np.stack(
        [
            np.stack([1 + xx + yy + zz, yz - zy, zx - xz, xy - yx], -1),
            np.stack([yz - zy, 1 + xx - yy - zz, xy + yx, zx + xz], -1),
            np.stack([zx - xz, xy + yx, 1 - xx + yy - zz, yz + zy], -1),
            np.stack([xy - yx, zx + xz, yz + zy, 1 - xx - yy + zz], -1),
        ],
        -2,
    )
    pivot = np.argmax(np.diagonal(rows, axis1=-2, axis2=-1), -1)
    quaternion = np.take_along_axis(rows, pivot[..., None, None], -2)[..., 0, :]
    length = np.linalg.norm(quaternion, axis=-1, keepdims=True)
    quaternion = quaternion / np.where(length > 0, length, 1.0)
    quaternion = quaternion * np.where(quaternion[..., :1] < 0, -1.0, 1.0)
    imaginary = quaternion[..., 1:]
    sine = np.linalg.norm(imaginary, axis=-1)
    angle = 2 * np.arctan2(sine, quaternion[..., 0])
    small = sine < 1e-12
    factor = np.where(small, 2.0, angle / np.where(small, 1.0, sine))
    return np.asarray(imaginary * factor[..., None])


def canonical(rotation_vector: ArrayLike) -> Floats:
    """The same rotations with angles ≤ π; vectors that already are stay as they are, to the bit.

    Args:
        rotation_vector: (..., 3k) axis-angle [rad], k joints side by side.
    """
    vector = np.asarray(rotation_vector, np.float64)
    joints = vector.reshape(*vector.shape[:-1], vector.shape[-1] // 3, 3)
    angle = np.linalg.norm(joints, axis=-1, keepdims=True)
    if not (angle > np.pi).any():
        return vector.copy()
    with np.errstate(invalid="ignore"):
        wrapped = np.remainder(angle + np.pi, 2 * np.pi) - np.pi
        turned = joints * (wrapped / np.where(angle > 0, angle, 1.0))
        result = np.where(angle > np.pi, turned, joints)
    return result.reshape(vector.shape)


def compose(rotation: ArrayLike, rotation_vector: ArrayLike) -> Floats:
    """Axis-angle of R·exp(v): (..., 3, 3) and (..., 3) → (..., 3) [rad]."""
    return axis_angle(np.asarray(rotation, np.float64) @ rotation_matrix(rotation_vector))


def rotate_x(angle: ArrayLike) -> Floats:
    """(...) angles [rad] → (..., 3, 3) rotations about the x axis."""
    return _rotate_about(0, angle)


def rotate_y(angle: ArrayLike) -> Floats:
    """(...) angles [rad] → (..., 3, 3) rotations about the y axis."""
    return _rotate_about(1, angle)


def rotate_z(angle: ArrayLike) -> Floats:
    """(...) angles [rad] → (..., 3, 3) rotations about the z axis."""
    return _rotate_about(2, angle)


def _rotate_about(axis: int, angle: ArrayLike) -> Floats:
    values = np.asarray(angle, np.float64)
    cosine, sine = np.cos(values), np.sin(values)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.zeros((*values.shape, 3, 3))
    matrix[..., axis, axis] = 1
    matrix[..., i, i] = matrix[..., j, j] = cosine
    matrix[..., i, j], matrix[..., j, i] = -sine, sine
    return matrix


def body_to_camera(
    rotation: ArrayLike,
    translation: ArrayLike,
    global_orient: ArrayLike,
    transl: ArrayLike,
    rest_pelvis: ArrayLike,
) -> tuple[Floats, Floats]:
    """World body parameters → camera body parameters, for a body that turns about its pelvis.

    R' = R·exp(global_orient), transl' = R·(J0 + transl) + t − J0.

    Args:
        rotation: (..., 3, 3) world → camera.
        translation: (..., 3) world → camera [m].
        global_orient: (..., 3) axis-angle [rad].
        transl: (..., 3) [m].
        rest_pelvis: (..., 3) J0, the rest pelvis for that model, gender and shape [m].

    Returns:
        global_orient' (..., 3) [rad] and transl' (..., 3) [m].
    """
    matrix = np.asarray(rotation, np.float64)
    pelvis = np.asarray(rest_pelvis, np.float64)
    moved = (matrix @ (pelvis + np.asarray(transl, np.float64))[..., None])[..., 0]
    return (
        compose(matrix, global_orient),
        np.asarray(moved + np.asarray(translation, np.float64) - pelvis),
    )


def project(
    points: ArrayLike,
    focal: ArrayLike,
    principal_point: ArrayLike,
    distortion: ArrayLike | None = None,
    distortion_model: str | None = None,
) -> Floats:
    """Pinhole projection: (..., P, 3) camera-frame points [m] → (..., P, 2) [px].

    Args:
        points: (..., P, 3); points with z ≤ 0 give whatever the formula gives.
        focal: (..., 2) fx, fy [px].
        principal_point: (..., 2) [px].
        distortion: (..., 8) coefficients k1, k2, p1, p2, k3, k4, k5, k6, or None.
        distortion_model: "opencv_rational", or None for no distortion.

    Returns:
        Pixels; with distortion, NaN for points past `lens_radius`, where the polynomial folds the
        scene back into the image.

    Source:
        OpenCV calib3d, rational model (ARCTIC's ego camera uses it).
    """
    xyz = np.asarray(points, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        plane = xyz[..., :2] / xyz[..., 2:]
    if distortion_model is not None:
        if distortion_model != "opencv_rational":
            raise InputError(
                f"Unknown distortion model {distortion_model!r}; expected 'opencv_rational'."
            )
        plane = _distort_rational(plane, np.asarray(distortion, np.float64))
    scale = np.asarray(focal, np.float64)[..., None, :]
    return np.asarray(plane * scale + np.asarray(principal_point, np.float64)[..., None, :])


def _distort_rational(plane: Floats, coefficients: Floats) -> Floats:
    """Radial (rational) and tangential distortion of (..., P, 2) normalised points."""
    k1, k2, p1, p2, k3, k4, k5, k6 = np.moveaxis(coefficients[..., None, :8], -1, 0)
    x, y = plane[..., 0], plane[..., 1]
    r2 = x * x + y * y
    r2 = np.where(r2 < lens_radius(coefficients)[..., None] ** 2, r2, np.nan)
    radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
    along_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    along_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return np.stack([along_x, along_y], -1)


def lens_radius(coefficients: ArrayLike) -> Floats:
    """(..., 8) rational coefficients → (...) radius x² + y² = r² where pixels stop moving outward.

    Infinite where the radial distortion grows up to a radius of 20 (87° off the axis).
    """
    values = np.asarray(coefficients, np.float64)[..., :8]
    lenses, which = np.unique(values.reshape(-1, 8), axis=0, return_inverse=True)
    radius = np.linspace(0, 20, 4001)
    r2 = radius * radius
    k1, k2, _, _, k3, k4, k5, k6 = lenses.T[..., None]
    below = 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = radius * (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / below
    turned = ~(np.diff(moved, axis=-1) > 0) | (below[:, 1:] <= 0)
    first = np.where(turned.any(-1), radius[turned.argmax(-1)], np.inf)
    return np.asarray(first[which.reshape(-1)].reshape(values.shape[:-1]))


def box_around(points: ArrayLike) -> Floats:
    """Tight boxes (..., 4) x, y, w, h [px] around (..., P, 2) points; NaN points are left out."""
    pixels = np.asarray(points, np.float64)
    axes = pixels[..., 0], pixels[..., 1]  # one at a time: NumPy is slow over an axis of two
    seen = np.isfinite(axes[0]) & np.isfinite(axes[1])
    low = np.stack([np.where(seen, axis, np.inf).min(-1) for axis in axes], -1)
    high = np.stack([np.where(seen, axis, -np.inf).max(-1) for axis in axes], -1)
    box = np.concatenate([low, high - low], -1)
    return np.where(np.isfinite(box).all(-1, keepdims=True), box, np.nan)


def clip_box(box: ArrayLike, width: ArrayLike, height: ArrayLike) -> Floats:
    """Boxes (..., 4) x, y, w, h cut to the image; a box outside it keeps a w or h of zero [px]."""
    xywh = np.asarray(box, np.float64)
    limit = np.stack(np.broadcast_arrays(np.asarray(width), np.asarray(height)), -1)
    low = np.clip(xywh[..., :2], 0, limit)
    high = np.clip(xywh[..., :2] + xywh[..., 2:], 0, limit)
    return np.concatenate([low, high - low], -1)


def orient_size(orientation: int, width: int, height: int) -> tuple[int, int]:
    """Width and height of a stored image after its EXIF `orientation` (1–8) is applied."""
    return (height, width) if orientation >= 5 else (width, height)


def orient_pixels(pixels: ArrayLike, orientation: int, width: int, height: int) -> Floats:
    """Stored-file pixels (..., 2) → pixels of the image after EXIF `orientation` is applied.

    Args:
        pixels: (..., 2) continuous x, y in the stored file [px].
        orientation: EXIF code: 1 as is, 2 mirrored, 3 turned by 180°, 4 flipped, 5 transposed,
            6 turned 90° clockwise, 7 transversed, 8 turned 90° counter-clockwise.
        width: of the stored file [px].
        height: of the stored file [px].
    """
    x, y = np.moveaxis(np.asarray(pixels, np.float64), -1, 0)
    turned = {
        1: (x, y),
        2: (width - x, y),
        3: (width - x, height - y),
        4: (x, height - y),
        5: (y, x),
        6: (height - y, x),
        7: (height - y, width - x),
        8: (y, width - x),
    }
    if orientation not in turned:
        raise InputError(f"EXIF orientation must be 1 to 8, got {orientation}.")
    return np.stack(turned[orientation], -1)
